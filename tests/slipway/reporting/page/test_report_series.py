"""What is asked of Prometheus' range API, and what is made of its answers."""

import httpx
import pytest

from infra.errors import SlipwayError
from monitoring.dashboards.defaults import RATE, Query
from monitoring.dashboards.panels import Panel
from slipway.reporting.page import series

SPAN = series.Span.of(end=10_000, seconds=3600, scrape_seconds=5)
PANEL = Panel("T", "D.", "none", "plot", (Query(f"rate(x[{RATE}])", "{{a}}/{{b}}"),))


def client(answer) -> httpx.Client:
    """A Prometheus that answers everything so."""
    return httpx.Client(transport=httpx.MockTransport(answer), base_url="http://prometheus")


def test_rates_are_over_what_grafana_would_take() -> None:
    """A step and a scrape, but never under four scrapes."""
    assert series.Span(begin=6400, end=10_000, step=15, window="20000ms") == SPAN
    assert series.Span.of(10_000, 24 * 3600, 5).window == "365000ms"


def test_series_are_named_and_what_is_unknown_is_left_out() -> None:
    """Labels fill the legend; NaN is no point, and a series of nothing else is none."""
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        result = [
            {"metric": {"a": "2", "b": "x"}, "values": [[1, "1"], [2, "NaN"], [3, "2.5"]]},
            {"metric": {"a": "1"}, "values": [[1, "0"]]},
            {"metric": {"a": "0"}, "values": [[1, "NaN"]]},
        ]
        return httpx.Response(200, json={"status": "success", "data": {"result": result}})

    with client(answer) as prometheus:
        found = series.of_panel(prometheus, PANEL, SPAN)

    assert found == (
        series.Series("1/", ((1, 0.0),)),
        series.Series("2/x", ((1, 1.0), (3, 2.5))),
    )
    assert asked == [
        {"query": "rate(x[20000ms])", "start": "6400.000", "end": "10000.000", "step": "15.000"}
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            httpx.Response(400, json={"status": "error", "error": "parse error"}),
            r"Prometheus refuses rate\(x\[20000ms\]\): parse error",
        ),
        (
            httpx.Response(502, text="<html>"),
            "http://prometheus.* does not answer .*slipway status",
        ),
    ],
)
def test_a_prometheus_that_cannot_answer_is_one_clear_line(answer, said: str) -> None:
    """What, where, how to mend."""
    with client(lambda _: answer) as prometheus, pytest.raises(SlipwayError, match=said):
        series.of_panel(prometheus, PANEL, SPAN)
