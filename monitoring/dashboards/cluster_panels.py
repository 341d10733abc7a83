"""Panels about Kubernetes, as tables: pods, what they use of what they requested, volumes.

`<ours>` is the matcher of the stack's namespaces, `<own>` that of the platform's alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitoring.counters import counted
from monitoring.dashboards.defaults import Figure, Plot, bad_from

if TYPE_CHECKING:
    from monitoring.dashboards.defaults import Table

QUOTA_USED: Final = (
    'kube_resourcequota{type="used",<ours>}'
    ' / ignoring (type) (kube_resourcequota{type="hard",<ours>} > 0)'
)
# Kubelets measure every 10 to 15 s, whatever the interval they are asked in.
CPU_USED: Final = "rate(container_cpu_usage_seconds_total{<ours>}[2m])"
MEMORY_USED: Final = "container_memory_working_set_bytes{<ours>}"
_REQUESTED = (
    'sum(kube_pod_container_resource_requests{resource="%s",<ours>}'
    ' and on (namespace, pod) kube_pod_status_phase{phase=~"Pending|Running",<ours>} == 1)'
)
CPU_REQUESTED: Final = _REQUESTED % "cpu"
MEMORY_REQUESTED: Final = _REQUESTED % "memory"
_RESTARTS = counted("kube_pod_container_status_restarts_total{<ours>}", "15m")
RUNNING: Final = 'sum(kube_pod_status_phase{phase="Running",<ours>})'

NOW: Final[Table] = (
    Figure(
        "Pods running",
        "none",
        RUNNING,
        "running",
        "Pods of the platform's and its tenants' namespaces that run.",
    ),
    Figure(
        "Pods waiting",
        "none",
        'sum(kube_pod_status_phase{phase="Pending",<ours>})',
        "waiting",
        "Pods that have not started; PodNotReady fires after 10 minutes.",
        bad_from(10),
    ),
    Figure(
        "CPU requested",
        "suffix: cores",
        CPU_REQUESTED,
        "requested",
        "Cores that all running and waiting containers asked for.",
    ),
    Figure(
        "Memory requested",
        "bytes",
        MEMORY_REQUESTED,
        "requested",
        "Memory that all running and waiting containers asked for.",
    ),
)

PODS: Final[Table] = (
    Plot(
        "Pods by phase",
        "none",
        "sum by (phase) (kube_pod_status_phase{<ours>})",
        "{{phase}}",
        "Pods of all namespaces of ours, by phase; finished ones are steps of pipelines.",
    ),
    Plot(
        "Container restarts",
        "none",
        f"sum by (namespace, container) ({_RESTARTS}) > 0",
        "{{namespace}} {{container}}",
        "Restarts within 15 minutes; ContainerRestarting fires above 2.",
    ),
    Plot(
        "Killed at the memory limit",
        "none",
        "sum by (namespace, container)"
        ' (kube_pod_container_status_last_terminated_reason{reason="OOMKilled",<ours>}'
        ' or kube_pod_container_status_terminated_reason{reason="OOMKilled",<ours>})',
        "{{namespace}} {{container}}",
        "Containers whose last end, or whose end, was the memory limit.",
    ),
)

IN_USE: Final[Table] = (
    Plot(
        "CPU by namespace",
        "suffix: cores",
        f"sum by (namespace) ({CPU_USED})",
        "{{namespace}}",
        "Cores used, as the kubelets measure it.",
    ),
    Plot(
        "Memory by namespace",
        "bytes",
        f"sum by (namespace) ({MEMORY_USED})",
        "{{namespace}}",
        "Working sets, as the kubelets measure them: what a limit is compared with.",
    ),
    Plot(
        "Memory by container",
        "bytes",
        "sum by (container) (container_memory_working_set_bytes{<own>})",
        "{{container}}",
        "Working sets of the platform's own containers.",
    ),
)

NODES: Final[Table] = (
    Plot(
        "CPU by node",
        "suffix: cores",
        "rate(node_cpu_usage_seconds_total[2m])",
        "{{instance}}",
        "Cores that each node uses, by whomever.",
    ),
    Plot(
        "Memory by node",
        "bytes",
        "node_memory_working_set_bytes",
        "{{instance}}",
        "The working set of each node as a whole.",
    ),
    Plot(
        "Volumes used",
        "percentunit",
        "1 - kubelet_volume_stats_available_bytes{<ours>}"
        " / kubelet_volume_stats_capacity_bytes{<ours>}",
        "{{namespace}} {{persistentvolumeclaim}}",
        "Share of each volume that is in use; VolumeNearlyFull fires above 90%.",
    ),
)

QUOTAS: Final[Table] = (
    Plot(
        "Quotas used",
        "percentunit",
        QUOTA_USED,
        "{{namespace}} {{resource}}",
        "Share of each quota that is in use; QuotaNearlyUsed fires above 90%.",
    ),
)
