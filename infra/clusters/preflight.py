"""Checks of a cluster before anything is made in it. Pure: facts -> diagnoses.

Owns the rules and their remedies. Facts come from `infra.clusters.facts`; `infra.clusters.checks`
puts both together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.clusters.connection import kubectl
from infra.clusters.facts import PolicyRule
from infra.clusters.kind.plan import Plan
from infra.diagnosis import Diagnosis
from infra.settings.target import Existing, Kind
from infra.versions import KUBERNETES_AT_LEAST, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.clusters.facts import ClusterFacts
    from infra.diagnosis import Level
    from infra.service import Service
    from infra.settings.target import OnKubernetes

_CATEGORY = "cluster"
# What an `up` and a `down` do with each object.
_VERBS = ("create", "patch", "delete")
_EVERYWHERE = (("namespaces", ""),)
_GATEWAYS = (
    ("gateways", "gateway.networking.k8s.io"),
    ("httproutes", "gateway.networking.k8s.io"),
)
_DEFINITIONS = (("customresourcedefinitions", "apiextensions.k8s.io"),)
IN_NAMESPACE = (
    ("configmaps", ""),
    ("persistentvolumeclaims", ""),
    ("secrets", ""),
    ("serviceaccounts", ""),
    ("services", ""),
    ("deployments", "apps"),
    ("statefulsets", "apps"),
    ("horizontalpodautoscalers", "autoscaling"),
    ("networkpolicies", "networking.k8s.io"),
    ("poddisruptionbudgets", "policy"),
    ("rolebindings", "rbac.authorization.k8s.io"),
    ("roles", "rbac.authorization.k8s.io"),
)
IN_TENANTS = (
    ("configmaps", ""),
    ("limitranges", ""),
    ("resourcequotas", ""),
    ("secrets", ""),
    ("serviceaccounts", ""),
    ("networkpolicies", "networking.k8s.io"),
    ("rolebindings", "rbac.authorization.k8s.io"),
    ("roles", "rbac.authorization.k8s.io"),
)
_JOBS = (("jobs", "batch"),)
_OTHERS = frozenset({"argoproj.io", "kubeflow.org"})


@dataclass(frozen=True)
class Needs:
    """What the services request together: CPU in millicores, memory in MiB; and if they keep."""

    cpu: int
    memory: int
    storage: bool


def needs(services: Iterable[Service]) -> Needs:
    """What all copies of the services request, as they begin."""
    listed = [each for each in services if not each.job]
    return Needs(
        cpu=sum(each.resources.cpu * each.scaling.min for each in listed),
        memory=sum(each.resources.memory * each.scaling.min for each in listed),
        storage=any(each.data for each in listed),
    )


def rights(target: OnKubernetes, tenants: Iterable[str] = ()) -> list[PolicyRule]:
    """All that whoever runs `up` must be allowed; `tenants` are namespaces."""
    beside = list(tenants)
    everywhere = [*_EVERYWHERE, *(_DEFINITIONS if target.custom_resources == "own" else ())]
    inside = [
        *IN_NAMESPACE,
        *(_GATEWAYS if target.gateway else ()),
        *(_JOBS if beside else ()),
    ]
    places = [
        *((target.namespace, *each) for each in inside),
        *((namespace, *each) for namespace in beside for each in IN_TENANTS),
    ]
    return [
        *(PolicyRule(verb, name, group) for name, group in everywhere for verb in _VERBS),
        *(PolicyRule(verb, name, group, space) for space, name, group in places for verb in _VERBS),
    ]


def checks(facts: ClusterFacts, target: OnKubernetes, needed: Needs) -> list[Diagnosis]:
    """A diagnosis for each rule, passed or broken."""
    candidates = [
        _version(facts),
        _rights(facts),
        _room(facts, needed),
        _storage(facts, target) if needed.storage else None,
        _definitions(facts, target),
        *_gateway(facts, target),
        _autoscaling(facts),
        _policies(),
    ]
    return [each for each in candidates if each]


def _diagnosis(level: Level, summary: str, detail: str = "", resolution: str = "") -> Diagnosis:
    return Diagnosis(level, _CATEGORY, summary, detail, resolution)


def _version(facts: ClusterFacts) -> Diagnosis:
    if numbers(facts.version) >= numbers(KUBERNETES_AT_LEAST):
        return _diagnosis("ok", f"Kubernetes {facts.version}", f"as {facts.user}")
    return _diagnosis(
        "error",
        f"Kubernetes {facts.version} is too old",
        "unhealthyPodEvictionPolicy of budgets and SelfSubjectReview are beta in old ones, or"
        " absent",
        f"upgrade the cluster to {KUBERNETES_AT_LEAST} or newer",
    )


def _rights(facts: ClusterFacts) -> Diagnosis:
    if not facts.missing_rights:
        return _diagnosis("ok", "all rights that the stack needs")
    names = ", ".join(dict.fromkeys(str(right) for right in facts.missing_rights))
    return _diagnosis(
        "error",
        f"{facts.user or 'this account'} may not {names}",
        resolution="ask the cluster's administrator for these rights, or use another context",
    )


def _room(facts: ClusterFacts, needed: Needs) -> Diagnosis:
    wanted = f"the platform requests {needed.cpu}m CPU and {needed.memory} MiB"
    if facts.room is None:
        return _diagnosis("warning", "what room the nodes have may not be asked", wanted)
    room = facts.room
    has = f"{room.nodes} nodes with {room.cpu}m CPU and {room.memory} MiB for pods"
    if room.cpu >= needed.cpu and room.memory >= needed.memory:
        return _diagnosis("ok", has, wanted)
    remedy = "add nodes, or larger ones; nodes that are not ready or are tainted do not count"
    return _diagnosis("error", f"the cluster is too small: {has}", wanted, remedy)


def _storage(facts: ClusterFacts, target: OnKubernetes) -> Diagnosis:
    name, classes = target.storage_class, facts.storage_classes
    if classes is None:
        return _diagnosis("warning", "which storage classes there are may not be asked")
    known = ", ".join(sorted(classes)) or "none"
    if name and name not in classes:
        return _diagnosis(
            "error",
            f"there is no storage class {name!r}",
            f"there are {known}",
            "mend slipway:target.storage_class",
        )
    if not name and not any(classes.values()):
        return _diagnosis(
            "error",
            "no storage class is the default",
            f"there are {known}",
            "name one in slipway:target.storage_class",
        )
    chosen = name or next(each for each, default in classes.items() if default)
    return _diagnosis("ok", f"storage class {chosen}")


def _definitions(facts: ClusterFacts, target: OnKubernetes) -> Diagnosis | None:
    absent = ", ".join(sorted(_OTHERS - facts.groups))
    if target.custom_resources == "own" or not absent:
        return None
    return _diagnosis(
        "error",
        f"the cluster does not know {absent}",
        "slipway:target.custom_resources is existing: somebody else owns the definitions",
        "install Argo Workflows' and Kubeflow Pipelines' definitions, or set it to own",
    )


def _kubectl(target: OnKubernetes, *words: str) -> str:
    match target:
        case Existing():
            return kubectl(target.kubeconfig, target.context, *words)
        case Kind():
            return kubectl(None, Plan.of_settings(target).context, *words)
    raise TypeError(target)


def _gateway(facts: ClusterFacts, target: OnKubernetes) -> list[Diagnosis]:
    if not target.gateway:
        return []
    if "gateway.networking.k8s.io" not in facts.groups:
        remedy = "install the Gateway API and a controller for it, or take the setting out"
        return [_diagnosis("error", "the cluster has no Gateway API", _GATEWAY, remedy)]
    made = []
    if facts.gateway_class is False:
        name = target.gateway.class_name
        listing = _kubectl(target, "get", "gatewayclasses")
        remedy = f"mend slipway:target.gateway.class_name: `{listing}` lists them"
        made.append(_diagnosis("error", f"there is no GatewayClass {name!r}", "", remedy))
    if target.gateway.cluster_issuer and "cert-manager.io" not in facts.groups:
        remedy = "install cert-manager, or take slipway:target.gateway.cluster_issuer out"
        made.append(_diagnosis("error", "the cluster has no cert-manager", "", remedy))
    return made or [_diagnosis("ok", f"GatewayClass {target.gateway.class_name}")]


_GATEWAY = "slipway:target.gateway is set"


def _autoscaling(facts: ClusterFacts) -> Diagnosis:
    if "metrics.k8s.io" in facts.groups:
        return _diagnosis("ok", "metrics.k8s.io, which autoscaling asks")
    return _diagnosis(
        "warning",
        "the cluster has no metrics.k8s.io",
        "autoscaling does nothing: each service stays at its least number of copies",
        "install metrics-server, if services are to scale",
    )


def _policies() -> Diagnosis:
    return _diagnosis(
        "ok",
        "network policies are stored",
        "whether they are enforced is up to the network plugin, and cannot be asked",
    )
