"""What the settings tell monitoring: the cluster it watches, and what serving promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.settings.monitoring import OperatedPrometheus
from infra.settings.target import OnKubernetes
from monitoring.cluster import Cluster, Tenant
from monitoring.objective import Objective

if TYPE_CHECKING:
    from infra.settings.tree import Settings

PROMETHEUS = "prometheus"


def cluster(settings: Settings) -> Cluster | None:
    """The cluster's namespaces and tenants; None where plain processes run."""
    target = settings.target
    if not isinstance(target, OnKubernetes):
        return None
    return Cluster(
        target.namespace,
        tuple(Tenant(each.name, settings.tenant_namespace(each)) for each in settings.tenants),
        # An operator's Prometheus asks the kubelets itself.
        nodes=settings.monitoring.node_metrics or operator(settings) is not None,
    )


def objective(settings: Settings) -> Objective:
    """What serving promises, as rules and dashboards take it."""
    return Objective(**settings.monitoring.objective.model_dump())


def operator(settings: Settings) -> OperatedPrometheus | None:
    """The operator's Prometheus, where it is the one that watches."""
    prometheus = settings.monitoring.prometheus
    return prometheus if isinstance(prometheus, OperatedPrometheus) else None
