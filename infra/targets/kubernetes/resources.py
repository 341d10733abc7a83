"""Plain objects to typed Pulumi resources, each under the name that the object has."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from pulumi_kubernetes.apiextensions.v1 import CustomResourceDefinition
from pulumi_kubernetes.apps.v1 import Deployment, StatefulSet
from pulumi_kubernetes.autoscaling.v2 import HorizontalPodAutoscaler
from pulumi_kubernetes.core.v1 import (
    ConfigMap,
    Namespace,
    PersistentVolumeClaim,
    Secret,
    Service,
    ServiceAccount,
)
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pulumi_kubernetes.rbac.v1 import Role, RoleBinding

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from infra.targets.kubernetes.place import Manifest

KINDS: Mapping[str, type[pulumi.CustomResource]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            ConfigMap,
            CustomResourceDefinition,
            Deployment,
            HorizontalPodAutoscaler,
            Namespace,
            NetworkPolicy,
            PersistentVolumeClaim,
            PodDisruptionBudget,
            Role,
            RoleBinding,
            Secret,
            Service,
            ServiceAccount,
            StatefulSet,
        )
    }
)
_WHAT_IT_IS = frozenset({"apiVersion", "kind"})
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def resource(manifest: Manifest, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """The typed resource of an object; its logical name is the object's own.

    Raises:
        KeyError: the object is of a kind that no service is made of.
    """
    fields = {
        _HUMP.sub("_", name).lower(): value
        for name, value in manifest.items()
        if name not in _WHAT_IT_IS
    }
    return KINDS[manifest["kind"]](manifest["metadata"]["name"], opts=opts, **fields)
