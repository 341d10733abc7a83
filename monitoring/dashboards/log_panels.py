"""Panels about logs: what services and steps say, and whether all of it arrives.

Log lines are found by LogQL; whether Loki and its collector do their work, by PromQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.dashboards.defaults import RATE, Query, log_lines, log_plot, plot

if TYPE_CHECKING:
    from monitoring.cluster import Cluster
    from monitoring.dashboards.defaults import LogPanel, Panel

_BAD = 'level=~"error|critical|fatal"'
SERVICES, RUN, TEXT = "service", "run", "text"
"""The dashboard's variables."""


def lines(title: str, description: str, selection: str) -> LogPanel:
    """Log lines of a selection, newest first."""
    return log_lines(title, description, selection)


def service_lines(of: Cluster) -> LogPanel:
    """What the platform's services say."""
    return lines(
        "Services",
        "What the chosen services say, with the text that is looked for; newest first.",
        f'{{namespace="{of.namespace}",service=~"${SERVICES}",step=""}} |= "${TEXT}"',
    )


def step_lines(_of: Cluster) -> LogPanel:
    """What the steps of a run say."""
    return lines(
        "Steps of pipelines",
        "What the steps of the runs say whose id is looked for; all runs without one.",
        f'{{step!=""}} | run=~"${RUN}.*" |= "${TEXT}"',
    )


def volume(_of: Cluster) -> LogPanel:
    """Who says how much."""
    return log_plot(
        "Lines by service",
        "Log lines in a second, by service.",
        "suffix: lines/s",
        Query('sum by (service) (rate({service!=""}[$__auto]))', "{{service}}"),
    )


def bad_lines(_of: Cluster) -> LogPanel:
    """Who complains."""
    return log_plot(
        "Errors by service",
        "Log lines in a second at level error or worse, by service.",
        "suffix: lines/s",
        Query(f'sum by (service) (rate({{service!="",{_BAD}}}[$__auto]))', "{{service}}"),
    )


def taken_in() -> Panel:
    """What Loki takes in, and what it refuses."""
    return plot(
        "Lines taken in and refused",
        "Lines that Loki takes in a second, and those that it refuses, by reason.",
        "suffix: lines/s",
        Query(f"sum(rate(loki_distributor_lines_received_total[{RATE}]))", "received"),
        Query(f"sum by (reason) (rate(loki_discarded_samples_total[{RATE}]))", "{{reason}}"),
    )


def dropped() -> Panel:
    """What never reaches Loki."""
    return plot(
        "Lines sent and lost",
        "Lines that the collector sends in a second, and those it gives up; LogsDropped fires.",
        "suffix: lines/s",
        Query(f"sum(rate(loki_write_sent_entries_total[{RATE}]))", "sent"),
        Query(f"sum(rate(loki_write_dropped_entries_total[{RATE}]))", "lost"),
    )
