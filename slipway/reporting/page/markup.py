"""The page as HTML: one file with its style and pictures inside, no script, nothing fetched."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from slipway import hints
from slipway.operations.target import Process
from slipway.reporting.page import plot, units
from slipway.reporting.summary import figures
from slipway.reporting.tables import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.operations.target import ServiceState
    from slipway.reporting.page.gather import Chart, Page, Section
    from slipway.reporting.page.series import Series

_STYLE = Path(__file__).with_name("style.css")
_ROW_WIDTH, _CARD_EDGES = 1392, 42
_SERVICE_COLUMNS = ("service", "state", "address", "version", "up for", "restarts", "last end")


def document(page: Page) -> str:
    """The whole page."""
    title = f"Slipway: stack {escape(page.stack)}"
    style = _STYLE.read_text(encoding="utf-8")
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title><style>\n{style}</style></head><body>",
            f"<header><h1>{title}</h1><p>{_covered(page)}</p></header><main>",
            _services(page),
            f'<div class="pair">{_champion(page)}{_alerts(page)}</div>',
            *(_section(section, page) for section in page.sections),
            "</main></body></html>\n",
        ]
    )


def _covered(page: Page) -> str:
    begin, end = (datetime.fromtimestamp(when, UTC) for when in page.period)
    return f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def _services(page: Page) -> str:
    rows = [
        (
            f"<b>{escape(service.name)}</b>",
            _state(service, page),
            f'<a href="{escape(service.url)}">{escape(service.url)}</a>',
            escape(service.version),
            duration(service.instance.seconds) if isinstance(service.instance, Process) else "",
            str(service.restarts),
            escape(service.instance.last_exit) if isinstance(service.instance, Process) else "",
        )
        for service in page.services
    ]
    return f'<section id="services"><h2>Services</h2>{_table(_SERVICE_COLUMNS, rows)}</section>'


def _state(service: ServiceState, page: Page) -> str:
    """The state, and below it why a service that runs is not ready."""
    state, trouble = escape(service.state), hints.pasteable(service.trouble, page.stack)
    return f'<span class="state {state}">{state}</span>' + (
        f"<br>{escape(trouble)}" if trouble else ""
    )


def _champion(page: Page) -> str:
    if page.champion is None:
        train = hints.slipway(page.stack, "run", "training")
        text = page.trouble or f"No model of {page.model} is released yet: {train}"
        return f'<section id="champion"><h2>Champion</h2><p>{escape(text)}</p></section>'
    model, baseline = figures(page.champion)
    rows = [
        (escape(name), f"{value:.4f}", f"{baseline[name]:.4f}" if name in baseline else "")
        for name, value in model.items()
    ]
    return (
        f'<section id="champion"><h2>Champion</h2><p><b>{escape(page.model)}</b> version'
        f" <b>{escape(page.champion.version)}</b><br><code>{escape(page.champion.digest)}</code>"
        f"</p>{_table(('held-out metric', 'model', 'baseline'), rows)}</section>"
    )


def _alerts(page: Page) -> str:
    rows = [
        (
            f"<b>{escape(alert['labels']['alertname'])}</b>",
            escape(alert["labels"].get("severity", "")),
            escape(alert["annotations"].get("summary", "")),
            f"<code>{escape(alert['annotations'].get('runbook', ''))}</code>",
        )
        for alert in page.alerts
    ]
    content = (
        _table(("alert", "severity", "what", "runbook"), rows) if rows else "<p>None fires.</p>"
    )
    return f'<section id="alerts"><h2>Alerts</h2>{content}</section>'


def _section(section: Section, page: Page) -> str:
    rows = "".join(
        f'<h3>{escape(title)}</h3><div class="row">{_charts(charts, page)}</div>'
        for title, charts in section.rows
    )
    return (
        f'<section class="dashboard"><h2>{escape(section.title)}</h2>'
        f"<p>{escape(section.description)}</p>{rows}</section>"
    )


def _charts(charts: Sequence[Chart], page: Page) -> str:
    # All plots' letters are of one size where a picture has as many units as pixels.
    width = _ROW_WIDTH / len(charts) - _CARD_EDGES
    return "".join(_chart(chart, page, width) for chart in charts)


def _chart(chart: Chart, page: Page, width: float) -> str:
    panel = chart.panel
    drawn = _figure(chart) if panel.kind == "figure" else _plot(chart, page, width)
    return (
        f'<figure class="{panel.kind}"><figcaption>{escape(panel.title)}</figcaption>{drawn}'
        f"<p>{escape(panel.description)}</p></figure>"
    )


def _figure(chart: Chart) -> str:
    if not chart.series:
        return '<output class="none">no data</output>'
    return "".join(_value(chart, one) for one in chart.series)


def _value(chart: Chart, one: Series) -> str:
    """The last value of a series; by its name where it is not the only one."""
    value = one.points[-1][1]
    shown = escape(units.text(value, chart.panel.unit))
    name = f"<small>{escape(one.name)}</small> " if len(chart.series) > 1 else ""
    return f'<output class="{chart.panel.colour(value)}">{name}{shown}</output>'


def _plot(chart: Chart, page: Page, width: float) -> str:
    if not chart.series:
        return '<div class="none">no data</div>'
    panel = chart.panel
    frame = plot.frame(chart.series, panel.unit, page.period, width)
    picture = plot.svg(panel.title, frame, chart.series, page.span.step)
    return f"{picture}{_legend(chart.series, panel.unit)}"


def _legend(series: Sequence[Series], unit: str) -> str:
    entries = "".join(
        f'<li><i class="s{index % plot.COLOURS}"></i>{escape(one.name)}'
        f" <b>{escape(units.text(one.points[-1][1], unit))}</b></li>"
        for index, one in enumerate(series)
    )
    return f"<ul>{entries}</ul>"


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are HTML already."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
