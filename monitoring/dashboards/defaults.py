"""House defaults: what every panel and dashboard looks like, and where its data comes from.

A query's window is written `$__rate_interval`: Grafana puts in one that fits what is looked at;
whoever asks Prometheus itself uses `at`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    logs,
    loki,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.models import common as choices
from grafana_foundation_sdk.models import dashboard as models

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATASOURCE_UID = "slipway-prometheus"
LOGS_UID = "slipway-loki"
RATE = "$__rate_interval"

_SOURCE = models.DataSourceRef(type_val="prometheus", uid=DATASOURCE_UID)
_LOGS = models.DataSourceRef(type_val="loki", uid=LOGS_UID)
_WIDTH, _PLOT_HEIGHT, _FIGURE_HEIGHT, _LINES_HEIGHT = 24, 8, 4, 12
GOOD, BAD = "green", "red"


Panel: TypeAlias = timeseries.Panel | stat.Panel
LogPanel: TypeAlias = timeseries.Panel | logs.Panel
Variable: TypeAlias = dashboard.QueryVariable | dashboard.TextBoxVariable
Colours: TypeAlias = list[tuple[float | None, str]]


@dataclass(frozen=True)
class Query:
    """A PromQL expression, of logs a LogQL one, and its series' name in `{{label}}` form."""

    expression: str
    legend: str


def at(expression: str, window: str) -> str:
    """A panel's expression as Prometheus takes it, with rates over `window`."""
    return expression.replace(RATE, window)


def plot(title: str, description: str, unit: str, *queries: Query) -> timeseries.Panel:
    """Series over time, from zero up, with a legend that shows the last values."""
    panel = _plot(title, description, unit, _SOURCE)
    for index, query in enumerate(queries):
        panel.with_target(_target(query, index))
    return panel


def log_plot(title: str, description: str, unit: str, query: Query) -> timeseries.Panel:
    """Figures made of log lines over time."""
    return _plot(title, description, unit, _LOGS).with_target(_log_target(query))


def log_lines(title: str, description: str, selection: str) -> logs.Panel:
    """Log lines, newest first, each to be opened."""
    return (
        logs.Panel()
        .title(title)
        .description(description)
        .unit("none")
        .datasource(_LOGS)
        .height(_LINES_HEIGHT)
        .show_time(True)  # noqa: FBT003 - the SDK's own form
        .wrap_log_message(True)  # noqa: FBT003
        .enable_log_details(True)  # noqa: FBT003
        .sort_order(choices.LogsSortOrder.DESCENDING)
        .with_target(_log_target(Query(selection, "")))
    )


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


@dataclass(frozen=True)
class Plot:
    """A plot as data; `<name>` in an expression stands for a matcher that `build` is given."""

    title: str
    unit: str
    expression: str
    legend: str
    description: str
    beside: tuple[tuple[str, str], ...] = ()
    """Expressions and legends of further series."""

    def build(self, matchers: Mapping[str, str]) -> timeseries.Panel:
        """The panel."""
        series = ((self.expression, self.legend), *self.beside)
        queries = [Query(_matched(expression, matchers), legend) for expression, legend in series]
        return plot(self.title, self.description, self.unit, *queries)


@dataclass(frozen=True)
class Figure:
    """One number as data; `<name>` in its expression stands for a matcher, as in a `Plot`."""

    title: str
    unit: str
    expression: str
    legend: str
    description: str
    colours: Colours | None = None

    def build(self, matchers: Mapping[str, str]) -> stat.Panel:
        """The panel."""
        query = Query(_matched(self.expression, matchers), self.legend)
        return figure(self.title, self.description, self.unit, query, self.colours)


Table: TypeAlias = tuple[Plot | Figure, ...]


def built(table: Table, **matchers: str) -> tuple[Panel, ...]:
    """The panels of a table, for instance with `ours='namespace="slipway"'`."""
    return tuple(row.build(matchers) for row in table)


def _matched(expression: str, matchers: Mapping[str, str]) -> str:
    for name, matcher in matchers.items():
        expression = expression.replace(f"<{name}>", matcher)
    return expression


def choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """A variable with the values that a label has in Prometheus; all of them at first."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(_SOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)  # noqa: FBT003 - the SDK's own form
        .include_all(True)  # noqa: FBT003
        .all_value(".*")
    )


def text(name: str, label: str) -> dashboard.TextBoxVariable:
    """A variable that is typed in; empty at first."""
    return dashboard.TextBoxVariable(name).label(label).default_value("")


def page(
    uid: str,
    title: str,
    description: str,
    rows: Sequence[tuple[str, Sequence[Panel | LogPanel]]],
    variables: Sequence[Variable] = (),
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
    for variable in variables:
        built.with_variable(variable)
    ids = count(1)
    for name, panels in rows:
        built.with_row(dashboard.Row(name).id(next(ids)))
        for panel in panels:
            built.with_panel(panel.id(next(ids)).span(_WIDTH // len(panels)))
    return built.build()


def _plot(
    title: str, description: str, unit: str, source: models.DataSourceRef
) -> timeseries.Panel:
    return (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(source)
        .height(_PLOT_HEIGHT)
        .axis_soft_min(0)
        .fill_opacity(8)
        .show_points(choices.VisibilityMode.NEVER)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(choices.TooltipDisplayMode.MULTI))
    )


def _log_target(query: Query) -> loki.Dataquery:
    return (
        loki.Dataquery()
        .expr(query.expression)
        .legend_format(query.legend)
        .query_type("range")
        .ref_id("A")
        .datasource(_LOGS)
    )


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
