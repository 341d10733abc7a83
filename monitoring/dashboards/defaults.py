"""House defaults: what every panel and dashboard looks like, and where its data comes from.

A query's window is written `$__rate_interval`: Grafana puts in one that fits what is looked at;
whoever asks Prometheus itself uses `at`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as choices
from grafana_foundation_sdk.models import dashboard as models

if TYPE_CHECKING:
    from collections.abc import Sequence

DATASOURCE_UID = "slipway-prometheus"
RATE = "$__rate_interval"

_SOURCE = models.DataSourceRef(type_val="prometheus", uid=DATASOURCE_UID)
_WIDTH, _PLOT_HEIGHT, _FIGURE_HEIGHT = 24, 8, 4
GOOD, BAD = "green", "red"


Panel: TypeAlias = timeseries.Panel | stat.Panel
Colours: TypeAlias = list[tuple[float | None, str]]


@dataclass(frozen=True)
class Query:
    """A PromQL expression, and the name of each of its series in Grafana's `{{label}}` form."""

    expression: str
    legend: str


def at(expression: str, window: str) -> str:
    """A panel's expression as Prometheus takes it, with rates over `window`."""
    return expression.replace(RATE, window)


def plot(title: str, description: str, unit: str, *queries: Query) -> timeseries.Panel:
    """Series over time, from zero up, with a legend that shows the last values."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(_SOURCE)
        .height(_PLOT_HEIGHT)
        .axis_soft_min(0)
        .fill_opacity(8)
        .show_points(choices.VisibilityMode.NEVER)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(choices.TooltipDisplayMode.MULTI))
    )
    for index, query in enumerate(queries):
        panel.with_target(_target(query, index))
    return panel


def bad_from(value: float) -> Colours:
    """Green until `value`, red from there on."""
    return [(None, GOOD), (value, BAD)]


def good_from(value: float) -> Colours:
    """Red until `value`, green from there on."""
    return [(None, BAD), (value, GOOD)]


def figure(
    title: str, description: str, unit: str, query: Query, colours: Colours | None = None
) -> stat.Panel:
    """One number, the last; green where there are no other colours."""
    steps = [models.Threshold(*step) for step in colours or [(None, GOOD)]]
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(_SOURCE)
        .height(_FIGURE_HEIGHT)
        .thresholds(dashboard.ThresholdsConfig().steps(steps))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_target(query, 0))
    )


def page(
    uid: str, title: str, description: str, rows: Sequence[tuple[str, Sequence[Panel]]]
) -> models.Dashboard:
    """A dashboard of titled rows; the panels of a row share its width."""
    built = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["slipway"])
        .readonly()
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("10s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
    )
    ids = count(1)
    for name, panels in rows:
        built.with_row(dashboard.Row(name).id(next(ids)))
        for panel in panels:
            built.with_panel(panel.id(next(ids)).span(_WIDTH // len(panels)))
    return built.build()


def _target(query: Query, index: int) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .expr(query.expression)
        .legend_format(query.legend)
        .ref_id(chr(ord("A") + index))
        .datasource(_SOURCE)
    )


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(choices.LegendDisplayMode.LIST)
        .placement(choices.LegendPlacement.BOTTOM)
        .show_legend(True)  # noqa: FBT003 - the SDK's own form
    )
