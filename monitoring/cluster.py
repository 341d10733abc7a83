"""What monitoring knows of a cluster: its namespaces, its tenants, what can be measured."""

from __future__ import annotations

from dataclasses import dataclass

SCRAPE_RESOURCES = "kubelet-resources"
SCRAPE_VOLUMES = "kubelet-volumes"

KUBELET_RESOURCES = (
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "node_cpu_usage_seconds_total",
    "node_memory_working_set_bytes",
)
"""What is kept of a kubelet's `/metrics/resource`."""

KUBELET_VOLUMES = ("kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes")
"""What is kept of a kubelet's `/metrics`."""

STATES = (
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_available",
    "kube_pod_container_resource_requests",
    "kube_pod_container_status_last_terminated_reason",
    "kube_pod_container_status_restarts_total",
    "kube_pod_container_status_terminated_reason",
    "kube_pod_status_phase",
    "kube_pod_status_ready",
    "kube_resourcequota",
    "kube_statefulset_replicas",
    "kube_statefulset_status_replicas_available",
)
"""All that kube-state-metrics is asked for."""

STATE_RESOURCES = (
    ("", ("pods", "resourcequotas")),
    ("apps", ("deployments", "statefulsets")),
)
"""Of which objects it tells that, by their API group."""


@dataclass(frozen=True)
class Tenant:
    """A team, and the namespace that it has."""

    name: str
    namespace: str

    @property
    def ours(self) -> str:
        """The matcher of series that are about its namespace."""
        return f'namespace="{self.namespace}"'


@dataclass(frozen=True)
class Cluster:
    """The platform's namespace and its tenants'.

    `nodes`: whether the kubelets' own metrics are there.
    """

    namespace: str
    tenants: tuple[Tenant, ...] = ()
    nodes: bool = True

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Every namespace of the stack."""
        return (self.namespace, *(tenant.namespace for tenant in self.tenants))

    @property
    def own(self) -> str:
        """The matcher of series that are about the platform's namespace alone."""
        return f'namespace="{self.namespace}"'

    @property
    def ours(self) -> str:
        """The matcher of series that are about the stack's own namespaces."""
        return f'namespace=~"{"|".join(self.namespaces)}"'
