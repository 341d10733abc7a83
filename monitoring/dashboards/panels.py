"""What a built dashboard shows, for whoever draws it without Grafana.

Titles, units, queries and thresholds are read from the dashboards themselves, so there is one
definition of each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from grafana_foundation_sdk.models.dashboard import RowPanel
from grafana_foundation_sdk.models.prometheus import Dataquery

from monitoring.dashboards.defaults import Query

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard, FieldConfigSource
    from grafana_foundation_sdk.models.dashboard import Panel as Built


@dataclass(frozen=True)
class Panel:
    """One panel: a `figure` shows the last value, a `plot` all of them.

    `colours` are (from which value on, colour), ascending; a plot has none.
    """

    title: str
    description: str
    unit: str
    kind: Literal["figure", "plot"]
    queries: tuple[Query, ...]
    colours: tuple[tuple[float, str], ...] = ()

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
    found: list[tuple[str, list[Panel]]] = []
    for panel in dashboard.panels or []:
        if isinstance(panel, RowPanel):
            found.append((panel.title or "", []))
        else:
            found[-1][1].append(_panel(panel))
    return [Row(title, tuple(panels)) for title, panels in found]


def _panel(built: Built) -> Panel:
    queries = [target for target in built.targets or [] if isinstance(target, Dataquery)]
    return Panel(
        title=built.title or "",
        description=built.description or "",
        unit=(built.field_config and built.field_config.defaults.unit) or "",
        kind="figure" if built.type_val == "stat" else "plot",
        queries=tuple(Query(query.expr, query.legend_format or "") for query in queries),
        colours=_colours(built.field_config),
    )


def _colours(config: FieldConfigSource | None) -> tuple[tuple[float, str], ...]:
    thresholds = config.defaults.thresholds if config else None
    steps = thresholds.steps if thresholds else []
    return tuple((-math.inf if step.value is None else step.value, step.color) for step in steps)
