"""What only a tenant's namespace has: its bounds, its members, and what services may do in it.

What its steps find is `runner`'s, who they may call `network`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.service import PolicyRule
from infra.targets.kubernetes import access

if TYPE_CHECKING:
    from infra.description.tenants import Tenancy
    from infra.service import Service
    from infra.targets.kubernetes.render_context import Manifest, RenderContext

MEMBERS = "members"
# They run Jobs and see what becomes of them. Who may make a pod may read the Secrets of its
# namespace by it: those are the tenant's own.
RIGHTS = (
    PolicyRule(("batch",), ("jobs",), ("create", "get", "list", "watch", "delete")),
    PolicyRule(
        ("",), ("pods", "events", "resourcequotas", "limitranges"), ("get", "list", "watch")
    ),
    PolicyRule(("",), ("pods/log",), ("get",)),
    PolicyRule(("argoproj.io",), ("workflows",), ("get", "list", "watch")),
)
# A container that says nothing of itself, as Argo's own beside a step, still fits a quota.
_DEFAULT_REQUEST = {"cpu": "100m", "memory": "128Mi"}
_DEFAULT_LIMIT = {"memory": "512Mi"}


def bounds(tenant: Tenancy, context: RenderContext) -> list[Manifest]:
    """What the tenant's pods may ask for together, and what each asks for that does not say."""
    memory = f"{tenant.settings.memory_gib}Gi"
    hard = {
        "requests.cpu": _cores(tenant.settings.cpu),
        "requests.memory": memory,
        # Without it memory would be a matter of what pods say, not of what they take.
        "limits.memory": memory,
        "requests.storage": f"{tenant.settings.storage_gib}Gi",
        "pods": str(tenant.settings.pods),
    }
    container = {
        "type": "Container",
        "default": dict(_DEFAULT_LIMIT),
        "defaultRequest": dict(_DEFAULT_REQUEST),
    }
    return [
        _object("ResourceQuota", {"hard": hard}, context),
        _object("LimitRange", {"limits": [container]}, context),
    ]


def members(tenant: Tenancy, context: RenderContext) -> list[Manifest]:
    """The rights of the tenant's people; nothing where none are named."""
    if not tenant.settings.members:
        return []
    metadata = context.common_metadata(MEMBERS)
    return [
        access.role_of(RIGHTS, metadata),
        access.binding_to_users(metadata, tenant.settings.members),
    ]


def services_rights(services: list[Service], context: RenderContext) -> list[Manifest]:
    """What services of the platform may do here: nearly all may do nothing."""
    made = []
    for service in services:
        if service.tenant_rights:
            metadata = context.metadata(service)
            made.append(access.role_of(service.tenant_rights, metadata))
            made.append(access.binding_of(metadata, service.name, context.home))
    return made


def _object(kind: str, spec: Manifest, context: RenderContext) -> Manifest:
    metadata = context.common_metadata("tenant")
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}


def _cores(cpu: float) -> str:
    """As the API server itself writes it."""
    return f"{cpu:.0f}" if float(cpu).is_integer() else f"{round(cpu * 1000)}m"
