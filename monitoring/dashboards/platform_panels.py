"""Panels about the platform's services as such: there, well, and within their means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.dashboards.defaults import RATE, Query, bad_from, figure, plot

if TYPE_CHECKING:
    from monitoring.dashboards.defaults import Panel

_JOB = "{{job}}"


def services_up() -> Panel:
    """How many services answer."""
    return figure(
        "Services up",
        "Services with metrics that answered Prometheus' last scrape.",
        "none",
        Query("sum(up)", "up"),
    )


def services_down() -> Panel:
    """How many do not."""
    return figure(
        "Services down",
        "Services that did not answer the last scrape; ServiceDown fires after 30 s.",
        "none",
        Query("count(up == 0) or vector(0)", "down"),
        bad_from(1),
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


def memory_in_all() -> Panel:
    """What all services hold together."""
    return figure(
        "Memory in all",
        "Resident memory of all services that tell it.",
        "bytes",
        Query("sum(process_resident_memory_bytes)", "resident"),
    )


def up() -> Panel:
    """Which service answered when."""
    return plot(
        "Services answering",
        "1 while a service answers Prometheus, 0 while it does not.",
        "none",
        Query("up", _JOB),
    )


def processor() -> Panel:
    """Who computes."""
    return plot(
        "CPU",
        "Cores used by each service.",
        "suffix: cores",
        Query(f"rate(process_cpu_seconds_total[{RATE}])", _JOB),
    )


def memory() -> Panel:
    """Who holds memory."""
    return plot(
        "Memory",
        "Resident memory of each service; serving's is the sum of its processes.",
        "bytes",
        Query("process_resident_memory_bytes", _JOB),
    )


def restarts() -> Panel:
    """Who starts again and again."""
    return plot(
        "Restarts",
        "Starts of each service within 15 minutes; ServiceRestarting fires above 2.",
        "none",
        Query("changes(process_start_time_seconds[15m])", _JOB),
    )


def open_files() -> Panel:
    """Who comes close to the limit of open files."""
    return plot(
        "Open files",
        "Share of the file descriptors that each service may open.",
        "percentunit",
        Query("process_open_fds / process_max_fds", _JOB),
    )


def scrapes() -> Panel:
    """How long it takes to be watched."""
    return plot(
        "Scrape duration",
        "How long each service takes to hand over its metrics.",
        "s",
        Query("scrape_duration_seconds", _JOB),
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
        "Alerts that Alertmanager holds, and those that Prometheus could not deliver.",
        "none",
        Query("sum by (state) (alertmanager_alerts)", "{{state}}"),
        Query(f"sum(increase(prometheus_notifications_dropped_total[{RATE}]))", "lost"),
    )
