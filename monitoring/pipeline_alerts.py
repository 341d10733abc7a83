"""Alerts about pipelines: runs that fail, and a controller that does not keep up; runs counted.

The names are those of Argo Workflows 4 (its docs/metrics.md), with its prefix.
"""

from __future__ import annotations

from monitoring.alert import Alert, Recording
from monitoring.counters import counted

_WINDOW = "15m"
_RUNS = "argo_workflows_total_count"
RUNS_10M = "namespace_phase:argo_workflows:count10m"
"""Name of the series: runs that entered a phase within 10 minutes, by namespace."""

RUNS_1D = "namespace_phase:argo_workflows:count1d"
"""Name of the series: the same within a day."""


def recordings() -> list[Recording]:
    """Runs by namespace and phase, counted once for all dashboards, each tenant's among them."""
    return [
        Recording(name, f"sum by (namespace, phase) ({counted(_RUNS, window)})")
        for name, window in ((RUNS_10M, "10m"), (RUNS_1D, "1d"))
    ]


def alerts() -> list[Alert]:
    """All of them."""
    return [
        Alert(
            name="PipelineRunsFail",
            expression=_more('argo_workflows_total_count{phase=~"Failed|Error"}', "namespace"),
            hold="0s",
            severity="ticket",
            summary="pipeline runs of {{ $labels.namespace }} failed within 15 minutes",
        ),
        Alert(
            name="WorkflowControllerErrors",
            expression=_more("argo_workflows_error_count", "cause"),
            hold="0s",
            severity="ticket",
            summary="the workflow controller stumbled: {{ $labels.cause }}",
        ),
        Alert(
            name="WorkflowQueueGrows",
            expression=(
                "min_over_time("
                'argo_workflows_queue_depth_gauge{queue_name="workflow_queue"}[10m]) > 20'
            ),
            hold="5m",
            severity="ticket",
            summary="{{ $value }} workflows have waited for the controller for 15 minutes",
        ),
        Alert(
            name="PipelinePodsWait",
            expression='min_over_time(argo_workflows_pods_gauge{phase="Pending"}[15m]) > 0',
            hold="0s",
            severity="ticket",
            summary="{{ $value }} pods of pipelines have found no node for 15 minutes",
        ),
    ]


def _more(counter: str, label: str) -> str:
    """Whether a counter grew; one that was not there before began at 0, not at its first value."""
    grown, new = (
        f"increase({counter}[{_WINDOW}]) > 0",
        f"{counter} unless {counter} offset {_WINDOW}",
    )
    return f"sum by ({label}) ({grown} or ({new}) > 0) > 0"
