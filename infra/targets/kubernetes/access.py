"""Who a service is to the API server, and what it may do there: in its namespace, as a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.service import Service
    from infra.targets.kubernetes.place import Manifest, Place

_GROUP = "rbac.authorization.k8s.io"


def service_account(service: Service, place: Place) -> Manifest:
    """An account of its own; its token is mounted by the pod, if at all, never by default."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": place.metadata(service),
        "automountServiceAccountToken": False,
    }


def role(service: Service, place: Place) -> Manifest | None:
    """The service's rights; None where it has none."""
    if not service.rights:
        return None
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "Role",
        "metadata": place.metadata(service),
        "rules": [
            {
                "apiGroups": list(right.groups),
                "resources": list(right.resources),
                "verbs": list(right.verbs),
            }
            for right in service.rights
        ],
    }


def role_binding(service: Service, place: Place) -> Manifest | None:
    """Gives the rights to the account; None where there are none."""
    if not service.rights:
        return None
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": place.metadata(service),
        "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": service.name},
        "subjects": [
            {"kind": "ServiceAccount", "name": service.name, "namespace": place.namespace}
        ],
    }


def cluster_role(service: Service, place: Place) -> Manifest | None:
    """The service's rights in the whole cluster; None where it has none."""
    if not service.cluster_rights:
        return None
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": _cluster_metadata(service, place),
        "rules": [
            {
                "apiGroups": list(right.groups),
                "resources": list(right.resources),
                "verbs": list(right.verbs),
            }
            for right in service.cluster_rights
        ],
    }


def cluster_role_binding(service: Service, place: Place) -> Manifest | None:
    """Gives them to the account; None where there are none."""
    if not service.cluster_rights:
        return None
    metadata = _cluster_metadata(service, place)
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": metadata["name"]},
        "subjects": [
            {"kind": "ServiceAccount", "name": service.name, "namespace": place.namespace}
        ],
    }


def _cluster_metadata(service: Service, place: Place) -> Manifest:
    """The namespace in its name: a cluster may hold several stacks."""
    labels = place.metadata(service)["labels"]
    return {"name": f"{place.namespace}-{service.name}", "labels": labels}
