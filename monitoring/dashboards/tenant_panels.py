"""Panels about one tenant, as tables: its quota, its pods, its runs, its logs.

`<ours>` is the matcher of the tenant's namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitoring.dashboards import cluster_panels
from monitoring.dashboards.defaults import Figure, Plot, bad_from
from monitoring.dashboards.log_panels import lines
from monitoring.pipeline_alerts import RUNS_1D, RUNS_10M

if TYPE_CHECKING:
    from monitoring.cluster import Tenant
    from monitoring.dashboards.defaults import LogPanel, Table

_FAILED = f'{RUNS_1D}{{phase=~"Failed|Error",<ours>}}'

NOW: Final[Table] = (
    Figure(
        "Quota used",
        "percentunit",
        f"max({cluster_panels.QUOTA_USED})",
        "used",
        "The share in use of the resource that is closest to its quota.",
        bad_from(0.9),
    ),
    Figure(
        "Pods running",
        "none",
        cluster_panels.RUNNING,
        "running",
        "Pods of the tenant that run.",
    ),
    Figure(
        "Runs failed",
        "none",
        f"sum({_FAILED}) or vector(0)",
        "failed",
        "Pipeline runs that failed within a day.",
        bad_from(1),
    ),
)

QUOTA_AND_RUNS: Final[Table] = (
    Plot(
        "Quota used, by resource",
        "percentunit",
        cluster_panels.QUOTA_USED,
        "{{resource}}",
        "Share of each quota in use; QuotaNearlyUsed fires above 90%.",
    ),
    Plot(
        "Runs",
        "none",
        f"{RUNS_10M}{{<ours>}}",
        "{{phase}}",
        "Pipeline runs that entered each phase within 10 minutes.",
    ),
)

IN_USE: Final[Table] = (
    Plot(
        "CPU",
        "suffix: cores",
        f"sum({cluster_panels.CPU_USED})",
        "used",
        "Cores that its pods use, and those they asked for.",
        beside=((cluster_panels.CPU_REQUESTED, "requested"),),
    ),
    Plot(
        "Memory",
        "bytes",
        f"sum({cluster_panels.MEMORY_USED})",
        "used",
        "Working sets of its pods, and what they asked for.",
        beside=((cluster_panels.MEMORY_REQUESTED, "requested"),),
    ),
)


def logs(tenant: Tenant) -> LogPanel:
    """What its steps say."""
    return lines("Logs", "What the tenant's pods say, newest first.", f"{{{tenant.ours}}}")
