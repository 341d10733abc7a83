"""What Prometheus knows of a panel over time, as plain data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from infra.errors import SlipwayError
from monitoring.dashboards.defaults import at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitoring.dashboards.defaults import Query
    from monitoring.dashboards.panels import Panel

_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_POINTS = 240


@dataclass(frozen=True)
class Span:
    """From when to when, in Unix seconds, how far apart, and over what rates are taken."""

    begin: float
    end: float
    step: float
    window: str

    @classmethod
    def of(cls, end: float, seconds: float, scrape_seconds: float) -> Span:
        """The last `seconds` in about 240 points, never closer than scrapes are.

        The window is what Grafana makes of `$__rate_interval`: a step and a scrape, or 4 scrapes.
        """
        step = max(seconds / _POINTS, scrape_seconds)
        window = max(step + scrape_seconds, 4 * scrape_seconds)
        return cls(end - seconds, end, step, f"{round(window * 1000)}ms")


@dataclass(frozen=True)
class Series:
    """A named line: (Unix seconds, value) in order; what is unknown is left out."""

    name: str
    points: tuple[tuple[float, float], ...]


def of_panel(client: httpx.Client, panel: Panel, span: Span) -> tuple[Series, ...]:
    """All series of a panel's queries, by name.

    Raises:
        SlipwayError: Prometheus does not answer, or refuses a query.
    """
    found = [series for query in panel.queries for series in _of_query(client, query, span)]
    return tuple(found)


def firing(client: httpx.Client) -> list[Mapping[str, Any]]:
    """The alerts that fire now, as Prometheus' API gives them.

    Raises:
        SlipwayError: Prometheus does not answer.
    """
    alerts = _data(client, "/api/v1/alerts", {})["alerts"]
    return [alert for alert in alerts if alert["state"] == "firing"]


def _of_query(client: httpx.Client, query: Query, span: Span) -> list[Series]:
    parameters = {
        "query": at(query.expression, span.window),
        "start": f"{span.begin:.3f}",
        "end": f"{span.end:.3f}",
        "step": f"{span.step:.3f}",
    }
    result = _data(client, "/api/v1/query_range", parameters)["result"]
    series = [
        Series(_name(query.legend, entry["metric"]), _points(entry["values"])) for entry in result
    ]
    return sorted((one for one in series if one.points), key=lambda one: one.name)


def _name(legend: str, labels: Mapping[str, str]) -> str:
    return _LABEL.sub(lambda match: labels.get(match[1], ""), legend)


def _points(values: list[tuple[float, str]]) -> tuple[tuple[float, float], ...]:
    pairs = ((when, float(value)) for when, value in values)
    # NaN is how Prometheus divides nothing by nothing: nothing was asked, so nothing is known.
    return tuple((when, value) for when, value in pairs if value - value == 0)


def _data(client: httpx.Client, path: str, parameters: dict[str, str]) -> Any:
    try:
        answer = client.get(path, params=parameters).json()
    except (httpx.HTTPError, ValueError) as error:
        raise SlipwayError(
            f"{client.base_url} does not answer ({error}): see `slipway status`"
        ) from None
    if answer["status"] != "success":
        raise SlipwayError(f"Prometheus refuses {parameters.get('query')}: {answer['error']}")
    return answer["data"]
