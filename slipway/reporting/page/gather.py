"""Everything that the page shows, gathered as plain data before any of it is drawn."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.errors import SlipwayError
from infra.settings.fields import seconds
from infra.wiring.monitoring_inputs import PROMETHEUS, cluster, objective
from monitoring.dashboards import dashboard, panels
from slipway.hints import pasteable
from slipway.reporting.page import series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings.tree import Settings
    from monitoring.dashboards.panels import Panel
    from slipway.operations.target import ServiceState, Target
    from slipway.reporting.page.series import Series, Span
    from slipway.stack.running import Champion, Running


@dataclass(frozen=True)
class Chart:
    """A panel and what Prometheus knows of it."""

    panel: Panel
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Section:
    """A dashboard: its title, what it is for, and rows of charts by their titles."""

    title: str
    description: str
    rows: tuple[tuple[str, tuple[Chart, ...]], ...]


@dataclass(frozen=True)
class Page:
    """The page of one stack. `trouble` says what could not be asked."""

    stack: str
    span: Span
    services: list[ServiceState]
    model: str
    champion: Champion | None
    alerts: list[Mapping[str, Any]]
    sections: tuple[Section, ...]
    trouble: str = ""

    @property
    def period(self) -> tuple[float, float]:
        """From the first point of a plot to the end, in Unix seconds."""
        firsts = [
            one.points[0][0]
            for section in self.sections
            for _, charts in section.rows
            for chart in charts
            if chart.panel.kind == "plot"
            for one in chart.series
        ]
        return min(firsts, default=self.span.begin), self.span.end


def gather(target: Target, minutes: int) -> Page:
    """Ask Prometheus, the supervisor and the model registry for the last `minutes`.

    Raises:
        SlipwayError: Prometheus does not answer. Without the model registry there is a page.
    """
    running, settings = target.running(), target.settings
    scrape = seconds(settings.monitoring.scrape_interval)
    span = series.Span.of(time.time(), minutes * 60, scrape)
    with running.client(PROMETHEUS) as client:
        sections = tuple(
            Section(
                board.title or "",
                board.description or "",
                tuple(
                    (
                        row.title,
                        tuple(Chart(p, series.of_panel(client, p, span)) for p in row.panels),
                    )
                    for row in panels.rows(board)
                ),
            )
            for board in dashboard.on_every_target(objective(settings), cluster(settings))
        )
        alerts = series.firing(client)
    champion, trouble = _champion(running, settings, target.stack)
    return Page(
        stack=target.stack,
        span=span,
        services=target.services(running),
        model=settings.serving.model,
        champion=champion,
        alerts=alerts,
        sections=sections,
        trouble=trouble,
    )


def _champion(running: Running, settings: Settings, stack: str) -> tuple[Champion | None, str]:
    try:
        return running.champion(settings.serving.model, settings.serving.slots.champion), ""
    except SlipwayError as error:
        return None, pasteable(str(error), stack)
