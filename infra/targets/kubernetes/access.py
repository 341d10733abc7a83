"""Who a service is to the API server, and what it may do there: in its namespace, as a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.service import PolicyRule, Service
    from infra.targets.kubernetes.render_context import Manifest, RenderContext

_GROUP = "rbac.authorization.k8s.io"


def service_account(service: Service, context: RenderContext) -> Manifest:
    """An account of its own; its token is mounted by the pod, if at all, never by default."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": context.metadata(service),
        "automountServiceAccountToken": False,
    }


def role(service: Service, context: RenderContext) -> Manifest | None:
    """The service's rights; None where it has none."""
    if not service.rights:
        return None
    return role_of(service.rights, context.metadata(service))


def role_binding(service: Service, context: RenderContext) -> Manifest | None:
    """Gives the rights to the account; None where there are none."""
    if not service.rights:
        return None
    return binding_of(context.metadata(service), service.name, context.namespace)


def role_of(rights: Iterable[PolicyRule], metadata: Manifest) -> Manifest:
    """A Role of these rights."""
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "Role",
        "metadata": metadata,
        "rules": [rule(right) for right in rights],
    }


def binding_of(metadata: Manifest, account: str, namespace: str) -> Manifest:
    """Gives the Role of the same name to an account of a namespace."""
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": metadata["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }


def binding_to_users(metadata: Manifest, users: Iterable[str]) -> Manifest:
    """Gives the Role of the same name to users of the cluster."""
    subjects = [{"apiGroup": _GROUP, "kind": "User", "name": user} for user in users]
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": metadata["name"]},
        "subjects": subjects,
    }


def rule(right: PolicyRule) -> Manifest:
    """One rule of a Role."""
    names = {"resourceNames": list(right.names)} if right.names else {}
    return {
        "apiGroups": list(right.groups),
        "resources": list(right.resources),
        "verbs": list(right.verbs),
        **names,
    }


def cluster_role(service: Service, context: RenderContext) -> Manifest | None:
    """The service's rights in the whole cluster; None where it has none."""
    if not service.cluster_rights:
        return None
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": _cluster_metadata(service, context),
        "rules": [rule(right) for right in service.cluster_rights],
    }


def cluster_role_binding(service: Service, context: RenderContext) -> Manifest | None:
    """Gives them to the account; None where there are none."""
    if not service.cluster_rights:
        return None
    metadata = _cluster_metadata(service, context)
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": metadata["name"]},
        "subjects": [
            {"kind": "ServiceAccount", "name": service.name, "namespace": context.namespace}
        ],
    }


def _cluster_metadata(service: Service, context: RenderContext) -> Manifest:
    """The namespace in its name: a cluster may hold several stacks."""
    labels = context.metadata(service)["labels"]
    return {"name": f"{context.namespace}-{service.name}", "labels": labels}
