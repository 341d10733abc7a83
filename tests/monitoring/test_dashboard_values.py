"""What dashboards show of counts and whole numbers, judged by Prometheus' own engine."""

from pathlib import Path

import pytest

from monitoring.cluster import Cluster, Tenant
from monitoring.counters import counted
from monitoring.dashboards import cluster_dashboards, dashboard, panels, serving_panels
from monitoring.dashboards.defaults import at
from monitoring.objective import Objective
from tests.monitoring.conftest import shown

UP = {'up{job="j",instance="i"}': "1x40"}
X = 'x_total{job="j",instance="i"}'


@pytest.mark.parametrize(
    ("series", "count"),
    [
        ("0x15 1x20", 1),
        ("7x15 8x20", 1),
        ("0x12 3 4x20", 4),
        ("_x15 1x20", 1),
        ("_x14 2 3x20", 3),
        ("5x40", 0),
        ("0x5 9x40", 0),
        ("5x12 6 0 1x20", 2),
    ],
    ids=[
        "one",
        "one more",
        "several",
        "from its first on",
        "and after it",
        "none",
        "before",
        "over a restart",
    ],
)
def test_a_count_is_whole(promtool: str, tmp_path: Path, series: str, count: int) -> None:
    """As many as there were within the window, whatever its ends cut; no 1.02 of one."""
    asked = {f"sum({counted(X, '10m')})": count}

    shown(promtool, tmp_path, asked, UP | {X: series})


def test_what_began_with_its_target_began_before_prometheus_asked(
    promtool: str, tmp_path: Path
) -> None:
    """A counter of 900 that Prometheus sees for the first time was not counted up just now."""
    series = {'up{job="j",instance="i"}': "_x15 1x20", X: "_x15 900x20"}

    shown(promtool, tmp_path, {f"sum({counted(X, '10m')})": 0}, series)


@pytest.mark.parametrize(
    ("rows", "most"),
    [(1, {"p50": 1, "p90": 1, "p99": 1}), (32, {"p50": 32, "p90": 32, "p99": 32})],
)
def test_rows_of_a_run_are_whole(promtool: str, tmp_path: Path, rows: int, most: dict) -> None:
    """Single rows are 1 at every quantile, and a batch of 32 is 32; the mean is exact."""
    [panel] = [
        panel
        for row in panels.rows(dashboard.serving(Objective()))
        for panel in row.panels
        if panel.title == "Rows a run of the graph"
    ]
    name = "slipway_inference_batch_rows"
    series = {
        f'{name}_bucket{{le="{bound:.1f}"}}': "0+60x40" if rows <= bound else "0x40"
        for bound in serving_panels.ROWS_BOUNDS
    } | {f"{name}_count": "0+60x40", f"{name}_sum": f"0+{60 * rows}x40"}
    wanted = {f"{quantile} at most": value for quantile, value in most.items()} | {"mean": rows}

    asked = {at(query.expression, "5m"): wanted.pop(query.legend) for query in panel.queries}

    assert wanted == {}
    shown(promtool, tmp_path, asked, series)


def test_where_nothing_ran_no_rows_are_shown(promtool: str, tmp_path: Path) -> None:
    """Nothing is no run of one row."""
    name = "slipway_inference_batch_rows"
    series = {f'{name}_bucket{{le="1.0"}}': "5x40", f"{name}_count": "5x40", f"{name}_sum": "5x40"}
    median = serving_panels._at_most(0.5, f"sum(rate({name}_count[5m]))")

    shown(promtool, tmp_path, {at(median, "5m"): None}, series)


def test_no_panel_shows_an_extrapolated_count() -> None:
    """What is unlike a rate is counted, not `increase`d."""
    cluster = Cluster("s", (Tenant("red", "s-red"),))
    built = (
        *dashboard.dashboards(Objective(), cluster),
        cluster_dashboards.tenant(cluster.tenants[0]),
    )
    queries = [
        (panel.title, query.expression.replace("round(increase(", ""))
        for each in built
        for row in panels.rows(each)
        for panel in row.panels
        for query in panel.queries
    ]

    assert [title for title, expression in queries if "increase(" in expression] == []
