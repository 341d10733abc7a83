"""Panels about pipelines: runs, their pods, and the controllers that carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.counters import counted
from monitoring.dashboards.defaults import RATE, Query, bad_from, figure, plot
from monitoring.pipeline_alerts import RUNS_1D, RUNS_10M

if TYPE_CHECKING:
    from monitoring.dashboards.defaults import Panel

_FAILED = 'phase=~"Failed|Error"'


def running() -> Panel:
    """How many runs are under way."""
    return figure(
        "Runs under way",
        "Workflows that the controller has started and not ended.",
        "none",
        Query('sum(argo_workflows_gauge{phase="Running"})', "running"),
    )


def failed() -> Panel:
    """How many failed lately."""
    return figure(
        "Runs failed",
        "Runs that failed within a day.",
        "none",
        Query(f"sum({RUNS_1D}{{{_FAILED}}}) or vector(0)", "failed"),
        bad_from(1),
    )


def pods_running() -> Panel:
    """How many steps compute."""
    return figure(
        "Pods running",
        "Pods of pipelines that run now; a step is two of them, one after the other.",
        "none",
        Query('sum(argo_workflows_pods_gauge{phase="Running"})', "running"),
    )


def pods_waiting() -> Panel:
    """How many steps wait for a node."""
    return figure(
        "Pods waiting",
        "Pods of pipelines without a node; PipelinePodsWait fires after 15 minutes.",
        "none",
        Query('sum(argo_workflows_pods_gauge{phase="Pending"})', "waiting"),
        bad_from(10),
    )


def runs_by_phase() -> Panel:
    """What is there of each kind."""
    return plot(
        "Runs by phase",
        "Workflows in the cluster, by phase; finished ones go after a while.",
        "none",
        Query("sum by (phase) (argo_workflows_gauge)", "{{phase}}"),
    )


def runs_ended() -> Panel:
    """How runs end."""
    ended = f'{RUNS_10M}{{phase=~"Succeeded|Failed|Error"}}'
    return plot(
        "Runs ended",
        "Runs that entered a final phase within 10 minutes, by namespace.",
        "none",
        Query(ended, "{{namespace}} {{phase}}"),
    )


def pods_by_phase() -> Panel:
    """What becomes of the pods of steps."""
    return plot(
        "Pods by phase",
        "Pods of pipelines, by phase.",
        "none",
        Query("sum by (phase) (argo_workflows_pods_gauge)", "{{phase}}"),
    )


def queue_depth() -> Panel:
    """Whether the controller keeps up."""
    return plot(
        "Controller queues",
        "What waits for the workflow controller; WorkflowQueueGrows fires above 20.",
        "none",
        Query("argo_workflows_queue_depth_gauge", "{{queue_name}}"),
    )


def queue_latency() -> Panel:
    """How long a workflow waits for the controller."""
    return plot(
        "Wait for the controller",
        "How long 9 in 10 changes of workflows wait before the controller looks at them.",
        "s",
        Query(
            "histogram_quantile(0.9, sum by (le) (rate("
            f'argo_workflows_queue_latency_bucket{{queue_name="workflow_queue"}}[{RATE}])))',
            "p90",
        ),
    )


def controller_errors() -> Panel:
    """Whether the controller stumbles."""
    logged = counted('argo_workflows_log_messages{level="error"}', "10m")
    return plot(
        "Controller errors",
        "Errors of the workflow controller's own within 10 minutes, by cause, and those logged.",
        "none",
        Query(f"sum by (cause) ({counted('argo_workflows_error_count', '10m')})", "{{cause}}"),
        Query(f"sum({logged})", "logged"),
    )


def runs_reported() -> Panel:
    """What Kubeflow Pipelines knows of runs."""
    return plot(
        "Runs reported",
        "Runs that Kubeflow Pipelines was told the end of, by how they ended.",
        "none",
        Query("sum(resource_manager_workflow_runs_success)", "succeeded"),
        Query("sum(resource_manager_workflow_runs_failed)", "failed"),
    )


def recurring_delay() -> Panel:
    """How late recurring runs are known of."""
    return plot(
        "Recurring runs' delay",
        "From a recurring run's end to its report, 9 in 10 of them.",
        "s",
        Query(
            "histogram_quantile(0.9, sum by (le) (rate("
            f"resource_manager_recurring_run_report_gap_bucket[{RATE}])))",
            "p90",
        ),
    )


def kept() -> Panel:
    """What Kubeflow Pipelines keeps."""
    return plot(
        "Pipelines, versions, recurring runs",
        "What Kubeflow Pipelines has counted since it started.",
        "none",
        Query("pipeline_server_pipeline_count", "pipelines"),
        Query("pipeline_server_pipeline_version_count", "versions"),
        Query("job_server_job_count", "recurring runs"),
    )
