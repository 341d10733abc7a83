"""What a built dashboard shows, for whoever draws it without Grafana.

Titles, units, queries and thresholds are read from the dashboards themselves, so there is one
definition of each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from grafana_foundation_sdk.models.dashboard import RowPanel
from grafana_foundation_sdk.models.loki import Dataquery as LogQuery
from grafana_foundation_sdk.models.prometheus import Dataquery

from monitoring.dashboards.defaults import Query

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard, FieldConfigSource
    from grafana_foundation_sdk.models.dashboard import Panel as Built

_KINDS: dict[str, Literal["figure", "lines"]] = {"stat": "figure", "logs": "lines"}


@dataclass(frozen=True)
class Panel:
    """One panel: a `figure` shows the last value, a `plot` all of them, `lines` are log lines.

    `queries` are of Prometheus, `logs` of Loki. `colours` are (from which value on, colour),
    ascending; a plot has none.
    """

    title: str
    description: str
    unit: str
    kind: Literal["figure", "plot", "lines"]
    queries: tuple[Query, ...]
    colours: tuple[tuple[float, str], ...] = ()
    logs: tuple[Query, ...] = ()

    def colour(self, value: float) -> str:
        """The colour of a figure."""
        return [name for start, name in self.colours if value >= start][-1]


@dataclass(frozen=True)
class Row:
    """A row's title and panels."""

    title: str
    panels: tuple[Panel, ...]


def rows(dashboard: Dashboard) -> list[Row]:
    """The rows of a dashboard, top to bottom, each with its panels from left to right."""
    sections: list[tuple[str, list[Panel]]] = []
    for panel in dashboard.panels or []:
        if isinstance(panel, RowPanel):
            sections.append((panel.title or "", []))
        else:
            sections[-1][1].append(_panel(panel))
    return [Row(title, tuple(panels)) for title, panels in sections]


def _panel(built: Built) -> Panel:
    targets = built.targets or []
    return Panel(
        title=built.title or "",
        description=built.description or "",
        unit=(built.field_config and built.field_config.defaults.unit) or "",
        kind=_KINDS.get(built.type_val, "plot"),
        queries=tuple(_query(each) for each in targets if isinstance(each, Dataquery)),
        logs=tuple(_query(each) for each in targets if isinstance(each, LogQuery)),
        colours=_colours(built.field_config),
    )


def _query(target: Dataquery | LogQuery) -> Query:
    return Query(target.expr, target.legend_format or "")


def _colours(config: FieldConfigSource | None) -> tuple[tuple[float, str], ...]:
    thresholds = config.defaults.thresholds if config else None
    steps = thresholds.steps if thresholds else []
    return tuple((-math.inf if step.value is None else step.value, step.color) for step in steps)
