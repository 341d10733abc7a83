"""Plain objects to typed Pulumi resources, each under the name that the object has."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apiextensions.v1 import CustomResourceDefinition
from pulumi_kubernetes.apps.v1 import Deployment, StatefulSet
from pulumi_kubernetes.autoscaling.v2 import HorizontalPodAutoscaler
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.core.v1 import (
    ConfigMap,
    LimitRange,
    Namespace,
    PersistentVolumeClaim,
    ResourceQuota,
    Secret,
    Service,
    ServiceAccount,
)
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pulumi_kubernetes.rbac.v1 import ClusterRole, ClusterRoleBinding, Role, RoleBinding

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from infra.targets.kubernetes.render_context import Manifest

KINDS: Mapping[str, type[pulumi.CustomResource]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            ClusterRole,
            ClusterRoleBinding,
            ConfigMap,
            CustomResourceDefinition,
            Deployment,
            HorizontalPodAutoscaler,
            Job,
            LimitRange,
            Namespace,
            NetworkPolicy,
            PersistentVolumeClaim,
            PodDisruptionBudget,
            ResourceQuota,
            Role,
            RoleBinding,
            Secret,
            Service,
            ServiceAccount,
            StatefulSet,
        )
    }
)
# Kinds that are others' own, and so are known here by name only.
CUSTOM_KINDS = frozenset({"Gateway", "HTTPRoute", "PrometheusRule", "ServiceMonitor"})
_WHAT_IT_IS = frozenset({"apiVersion", "kind"})
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def resource(
    manifest: Manifest, opts: pulumi.ResourceOptions, qualifier: str = ""
) -> pulumi.CustomResource:
    """The typed resource of an object; its logical name is the object's own, after `qualifier`.

    Raises:
        KeyError: the object is of a kind that no service is made of.
    """
    name = qualifier + manifest["metadata"]["name"]
    if manifest["kind"] in CUSTOM_KINDS:
        return CustomResource(
            name,
            api_version=manifest["apiVersion"],
            kind=manifest["kind"],
            metadata=manifest["metadata"],
            spec=manifest["spec"],
            opts=opts,
        )
    fields = {
        _HUMP.sub("_", field).lower(): value
        for field, value in typed_names(manifest).items()
        if field not in _WHAT_IT_IS
    }
    return KINDS[manifest["kind"]](name, opts=opts, **fields)


def typed_names(value: Any) -> Any:
    """The same, with the names that Pulumi has for a schema's `x-kubernetes-...`."""
    if isinstance(value, list):
        return [typed_names(each) for each in value]
    if isinstance(value, dict):
        return {
            name.replace("-", "_") if name.startswith("x-kubernetes-") else name: typed_names(each)
            for name, each in value.items()
        }
    return value
