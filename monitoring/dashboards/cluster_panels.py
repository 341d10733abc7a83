"""Panels about Kubernetes: pods, what they use of what they asked for, quotas, volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.counters import counted
from monitoring.dashboards.defaults import Query, bad_from, figure, plot

if TYPE_CHECKING:
    from monitoring.cluster import Cluster
    from monitoring.dashboards.defaults import Panel

# Kubelets measure every 10 to 15 s, whatever the interval they are asked in.
_WINDOW = "2m"


def pods_running(of: Cluster) -> Panel:
    """How many pods run."""
    return figure(
        "Pods running",
        "Pods of the platform's and its tenants' namespaces that run.",
        "none",
        Query(f'sum(kube_pod_status_phase{{phase="Running",{of.ours}}})', "running"),
    )


def pods_waiting(of: Cluster) -> Panel:
    """How many have no node yet."""
    return figure(
        "Pods waiting",
        "Pods that have not started; PodNotReady fires after 10 minutes.",
        "none",
        Query(f'sum(kube_pod_status_phase{{phase="Pending",{of.ours}}})', "waiting"),
        bad_from(10),
    )


def processor_asked(of: Cluster) -> Panel:
    """What is reserved."""
    return figure(
        "CPU requested",
        "Cores that all running and waiting containers asked for.",
        "suffix: cores",
        Query(f"sum({_requests('cpu', of)})", "requested"),
    )


def memory_asked(of: Cluster) -> Panel:
    """What is reserved."""
    return figure(
        "Memory requested",
        "Memory that all running and waiting containers asked for.",
        "bytes",
        Query(f"sum({_requests('memory', of)})", "requested"),
    )


def pods_by_phase(of: Cluster) -> Panel:
    """What becomes of pods."""
    return plot(
        "Pods by phase",
        "Pods of all namespaces of ours, by phase; finished ones are steps of pipelines.",
        "none",
        Query(f"sum by (phase) (kube_pod_status_phase{{{of.ours}}})", "{{phase}}"),
    )


def restarts(of: Cluster) -> Panel:
    """Who starts again and again."""
    counts = counted(f"kube_pod_container_status_restarts_total{{{of.ours}}}", "15m")
    return plot(
        "Container restarts",
        "Restarts within 15 minutes; ContainerRestarting fires above 2.",
        "none",
        Query(f"sum by (namespace, container) ({counts}) > 0", "{{namespace}} {{container}}"),
    )


def out_of_memory(of: Cluster) -> Panel:
    """Who met the memory limit."""
    killed = f'{{reason="OOMKilled",{of.ours}}}'
    return plot(
        "Killed at the memory limit",
        "Containers whose last end, or whose end, was the memory limit.",
        "none",
        Query(
            "sum by (namespace, container)"
            f" (kube_pod_container_status_last_terminated_reason{killed}"
            f" or kube_pod_container_status_terminated_reason{killed})",
            "{{namespace}} {{container}}",
        ),
    )


def processor_used(of: Cluster) -> Panel:
    """Which namespace computes."""
    return plot(
        "CPU by namespace",
        "Cores used, as the kubelets measure it.",
        "suffix: cores",
        Query(f"sum by (namespace) ({_cpu(of)})", "{{namespace}}"),
    )


def memory_used(of: Cluster) -> Panel:
    """Which namespace holds memory."""
    return plot(
        "Memory by namespace",
        "Working sets, as the kubelets measure them: what a limit is compared with.",
        "bytes",
        Query(f"sum by (namespace) ({_memory(of)})", "{{namespace}}"),
    )


def services_memory(of: Cluster) -> Panel:
    """Which service of the platform holds memory."""
    return plot(
        "Memory by container",
        "Working sets of the platform's own containers.",
        "bytes",
        Query(
            "sum by (container)"
            f' (container_memory_working_set_bytes{{namespace="{of.namespace}"}})',
            "{{container}}",
        ),
    )


def nodes_processor(_of: Cluster) -> Panel:
    """Which node computes."""
    return plot(
        "CPU by node",
        "Cores that each node uses, by whomever.",
        "suffix: cores",
        Query(f"rate(node_cpu_usage_seconds_total[{_WINDOW}])", "{{instance}}"),
    )


def nodes_memory(_of: Cluster) -> Panel:
    """Which node's memory fills up."""
    return plot(
        "Memory by node",
        "The working set of each node as a whole.",
        "bytes",
        Query("node_memory_working_set_bytes", "{{instance}}"),
    )


def volumes(of: Cluster) -> Panel:
    """Which volume fills up."""
    return plot(
        "Volumes used",
        "Share of each volume that is in use; VolumeNearlyFull fires above 90%.",
        "percentunit",
        Query(
            f"1 - kubelet_volume_stats_available_bytes{{{of.ours}}}"
            f" / kubelet_volume_stats_capacity_bytes{{{of.ours}}}",
            "{{namespace}} {{persistentvolumeclaim}}",
        ),
    )


def quotas(of: Cluster) -> Panel:
    """Who comes close to a quota."""
    used, hard = (f'kube_resourcequota{{type="{kind}",{of.ours}}}' for kind in ("used", "hard"))
    return plot(
        "Quotas used",
        "Share of each quota that is in use; QuotaNearlyUsed fires above 90%.",
        "percentunit",
        Query(f"{used} / ignoring (type) ({hard} > 0)", "{{namespace}} {{resource}}"),
    )


def _requests(resource: str, of: Cluster) -> str:
    asked = f'kube_pod_container_resource_requests{{resource="{resource}",{of.ours}}}'
    alive = f'kube_pod_status_phase{{phase=~"Pending|Running",{of.ours}}} == 1'
    return f"{asked} and on (namespace, pod) {alive}"


def _cpu(of: Cluster) -> str:
    return f"rate(container_cpu_usage_seconds_total{{{of.ours}}}[{_WINDOW}])"


def _memory(of: Cluster) -> str:
    return f"container_memory_working_set_bytes{{{of.ours}}}"
