"""Panels about one tenant: its quota, its pods, its runs, its logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.dashboards.defaults import Query, bad_from, figure, plot
from monitoring.dashboards.log_panels import lines
from monitoring.pipeline_alerts import RUNS_1D, RUNS_10M

if TYPE_CHECKING:
    from monitoring.cluster import Tenant
    from monitoring.dashboards.defaults import LogPanel, Panel


def quota_left(of: Tenant) -> Panel:
    """How close the tenant is to its quota."""
    return figure(
        "Quota used",
        "The share in use of the resource that is closest to its quota.",
        "percentunit",
        Query(f"max({_quota(of)})", "used"),
        bad_from(0.9),
    )


def pods_running(of: Tenant) -> Panel:
    """How many pods run."""
    return figure(
        "Pods running",
        "Pods of the tenant that run.",
        "none",
        Query(f'sum(kube_pod_status_phase{{phase="Running",{_here(of)}}})', "running"),
    )


def runs_failed(of: Tenant) -> Panel:
    """How many runs failed lately."""
    failed = f'{RUNS_1D}{{phase=~"Failed|Error",{_here(of)}}}'
    return figure(
        "Runs failed",
        "Pipeline runs that failed within a day.",
        "none",
        Query(f"sum({failed}) or vector(0)", "failed"),
        bad_from(1),
    )


def quota(of: Tenant) -> Panel:
    """Which quota fills up."""
    return plot(
        "Quota used, by resource",
        "Share of each quota in use; QuotaNearlyUsed fires above 90%.",
        "percentunit",
        Query(_quota(of), "{{resource}}"),
    )


def runs(of: Tenant) -> Panel:
    """What runs the tenant starts and ends."""
    return plot(
        "Runs",
        "Pipeline runs that entered each phase within 10 minutes.",
        "none",
        Query(f"{RUNS_10M}{{{_here(of)}}}", "{{phase}}"),
    )


def processor(of: Tenant) -> Panel:
    """What its pods compute, beside what they asked for."""
    return plot(
        "CPU",
        "Cores that its pods use, and those they asked for.",
        "suffix: cores",
        Query(f"sum(rate(container_cpu_usage_seconds_total{{{_here(of)}}}[2m]))", "used"),
        Query(f"sum({_requests('cpu', of)})", "requested"),
    )


def memory(of: Tenant) -> Panel:
    """What its pods hold, beside what they asked for."""
    return plot(
        "Memory",
        "Working sets of its pods, and what they asked for.",
        "bytes",
        Query(f"sum(container_memory_working_set_bytes{{{_here(of)}}})", "used"),
        Query(f"sum({_requests('memory', of)})", "requested"),
    )


def logs(of: Tenant) -> LogPanel:
    """What its steps say."""
    return lines(
        "Logs",
        "What the tenant's pods say, newest first.",
        f"{{{_here(of)}}}",
    )


def _here(of: Tenant) -> str:
    return f'namespace="{of.namespace}"'


def _quota(of: Tenant) -> str:
    used, hard = (f'kube_resourcequota{{type="{kind}",{_here(of)}}}' for kind in ("used", "hard"))
    return f"{used} / ignoring (type) ({hard} > 0)"


def _requests(resource: str, of: Tenant) -> str:
    asked = f'kube_pod_container_resource_requests{{resource="{resource}",{_here(of)}}}'
    alive = f'kube_pod_status_phase{{phase=~"Pending|Running",{_here(of)}}} == 1'
    return f"{asked} and on (namespace, pod) {alive}"
