"""Panels about the platform's services as such: there, well, and within their means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.counters import counted
from monitoring.dashboards.defaults import RATE, Query, bad_from, figure, plot

if TYPE_CHECKING:
    from monitoring.cluster import Cluster
    from monitoring.dashboards.defaults import Panel

_JOB = "{{job}}"
_WORKING_SET = "container_memory_working_set_bytes"


# What stands there, and what should, of each kind of workload.
_WORKLOADS = (
    ("kube_deployment_status_replicas_available", "kube_deployment_spec_replicas"),
    ("kube_statefulset_status_replicas_available", "kube_statefulset_replicas"),
)


def services_up(of: Cluster | None) -> Panel:
    """How many services there are, of all."""
    if of:
        description = "Services of the platform that have all their pods."
        return figure("Services up", description, "none", Query(_workloads(of, ">="), "up"))
    description = "Services that answered Prometheus' last question."
    return figure("Services up", description, "none", Query("sum(up)", "up"))


def services_down(of: Cluster | None) -> Panel:
    """How many are not."""
    if of:
        description = (
            "Services of the platform that lack a pod; PodNotReady fires after 10 minutes."
        )
        down = Query(_workloads(of, "<"), "down")
        return figure("Services down", description, "none", down, bad_from(1))
    description = "Services that did not answer the last question; ServiceDown fires after 30 s."
    down = Query("count(up == 0) or vector(0)", "down")
    return figure("Services down", description, "none", down, bad_from(1))


def _workloads(of: Cluster, compared: str) -> str:
    here = f'{{namespace="{of.namespace}"}}'
    return " + ".join(
        f"(count({there}{here} {compared} {wanted}{here}) or vector(0))"
        for there, wanted in _WORKLOADS
    )


def alerts_firing() -> Panel:
    """How many alerts fire."""
    return figure(
        "Alerts firing",
        "Alerts that fire now; docs/runbooks/ says of each what to do.",
        "none",
        Query('count(ALERTS{alertstate="firing"}) or vector(0)', "firing"),
        bad_from(1),
    )


def memory_in_all(of: Cluster | None) -> Panel:
    """What all services hold together."""
    if of and of.nodes:
        description = (
            "Working sets of all containers of the platform, as the kubelets measure them."
        )
        total = f"sum({_WORKING_SET}{{{_ours(of)}}})"
        return figure("Memory in all", description, "bytes", Query(total, "working set"))
    total = "sum(process_resident_memory_bytes)"
    if of:
        description = "Resident memory of the services that tell it: node metrics are off."
        return figure("Memory of some", description, "bytes", Query(total, "resident"))
    description = "Resident memory of all services, each with all of its processes."
    return figure("Memory in all", description, "bytes", Query(total, "resident"))


def _ours(of: Cluster) -> str:
    return f'namespace="{of.namespace}"'


def up() -> Panel:
    """Which service answered when."""
    return plot(
        "Services answering",
        "1 while a service answers Prometheus, 0 while it does not.",
        "none",
        Query("min by (job) (up)", _JOB),
    )


def processor(of: Cluster | None) -> Panel:
    """Who computes."""
    used = Query(f"sum by (job) (rate(process_cpu_seconds_total[{RATE}]))", _JOB)
    if of and of.nodes:
        seconds = f"container_cpu_usage_seconds_total{{{_ours(of)}}}[2m]"
        used = Query(f"sum by (container) (rate({seconds}))", "{{container}}")
    return plot("CPU", "Cores used by each service.", "suffix: cores", used)


def memory(of: Cluster | None) -> Panel:
    """Who holds memory."""
    if of and of.nodes:
        held = Query(f"sum by (container) ({_WORKING_SET}{{{_ours(of)}}})", "{{container}}")
        return plot("Memory", "Working set of each container's copies together.", "bytes", held)
    held = Query("sum by (job) (process_resident_memory_bytes)", _JOB)
    return plot("Memory", "Resident memory of each service with its processes.", "bytes", held)


def restarts() -> Panel:
    """Who starts again and again."""
    return plot(
        "Restarts",
        "Starts of each service within 15 minutes; ServiceRestarting fires above 2.",
        "none",
        Query("sum by (job) (changes(process_start_time_seconds[15m]))", _JOB),
    )


def open_files() -> Panel:
    """Who comes close to the limit of open files."""
    return plot(
        "Open files",
        "Share of the file descriptors that each service may open.",
        "percentunit",
        Query("max by (job) (process_open_fds / process_max_fds)", _JOB),
    )


def scrapes() -> Panel:
    """How long it takes to be watched."""
    return plot(
        "Scrape duration",
        "How long each service takes to hand over its metrics.",
        "s",
        Query("max by (job) (scrape_duration_seconds)", _JOB),
    )


def registry_requests() -> Panel:
    """What the registry is asked."""
    return plot(
        "Registry requests",
        "Answers of the OCI registry, by HTTP status.",
        "reqps",
        Query(f"sum by (code) (rate(registry_http_requests_total[{RATE}]))", "{{code}}"),
    )


def registry_storage() -> Panel:
    """How quick the registry's storage is."""
    return plot(
        "Registry storage",
        "Mean time of an action of the registry on its storage, by action.",
        "s",
        Query(
            f"sum by (action) (rate(registry_storage_action_seconds_sum[{RATE}]))"
            f" / sum by (action) (rate(registry_storage_action_seconds_count[{RATE}]))",
            "{{action}}",
        ),
    )


def samples() -> Panel:
    """What Prometheus takes in."""
    return plot(
        "Samples",
        "Samples that Prometheus takes in a second.",
        "suffix: /s",
        Query(f"sum(rate(prometheus_tsdb_head_samples_appended_total[{RATE}]))", "samples"),
    )


def series() -> Panel:
    """How much Prometheus keeps in memory."""
    return plot(
        "Series",
        "Time series in Prometheus' memory; a steady climb is a label without bounds.",
        "none",
        Query("prometheus_tsdb_head_series", "series"),
    )


def rule_evaluation() -> Panel:
    """Whether rules are evaluated in time."""
    return plot(
        "Rule evaluation",
        "How long the last evaluation of each group of rules took.",
        "s",
        Query(
            'label_replace(prometheus_rule_group_last_duration_seconds, "group", "$1",'
            ' "rule_group", ".*;(.*)")',
            "{{group}}",
        ),
    )


def notifications() -> Panel:
    """Whether alerts reach Alertmanager."""
    return plot(
        "Alerts held and lost",
        "Alerts that Alertmanager holds, and those that Prometheus could not deliver in 5 minutes.",
        "none",
        Query("sum by (state) (alertmanager_alerts)", "{{state}}"),
        Query(f"sum({counted('prometheus_notifications_dropped_total', '5m')})", "lost"),
    )
