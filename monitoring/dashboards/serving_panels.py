"""Panels about serving: whether its promise is kept, its traffic, its load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.metrics import (
    BATCH_ROWS,
    HTTP_REQUESTS,
    INFERENCE_IN_FLIGHT,
    INFERENCE_QUEUE_DEPTH,
    INFERENCE_REQUESTS,
    INFERENCE_ROWS,
    INFERENCE_SECONDS,
    ROWS_BOUNDS,
)
from monitoring import burn
from monitoring.dashboards.defaults import RATE, Query, figure, good_from, plot
from monitoring.serving_alerts import REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitoring.dashboards.defaults import Panel
    from monitoring.objective import Objective

_BUCKETS = f"{INFERENCE_SECONDS}_bucket"
_QUANTILES = (0.5, 0.9, 0.99)


def quantiles(buckets: str) -> list[Query]:
    """Median, 9 in 10 and 99 in 100 of a histogram, over all that its labels tell apart."""
    return [
        Query(
            f"histogram_quantile({quantile:g}, sum by (le) (rate({buckets}[{RATE}])))",
            f"p{quantile * 100:g}",
        )
        for quantile in _QUANTILES
    ]


def availability(objective: Objective) -> Panel:
    """The share that did not fail."""
    return figure(
        "Answered without fault",
        f"Share of the infer requests of an hour; {objective.availability_percent:g}% is promised.",
        "percentunit",
        Query(f"1 - {burn.errors('1h')}", "{{model}}"),
        good_from(objective.availability_percent / 100),
    )


def on_time(objective: Objective) -> Panel:
    """The share that was in time."""
    return figure(
        f"Answered within {objective.latency_seconds:g} s",
        f"Share of the infer requests of an hour; {objective.latency_percent:g}% is promised.",
        "percentunit",
        Query(f"1 - {burn.late('1h')}", "{{model}}"),
        good_from(objective.latency_percent / 100),
    )


def error_budget_left(objective: Objective) -> Panel:
    """How much of the errors' budget is there still."""
    return figure(
        "Error budget left",
        "Share of what may fail that has not, over the last 3 days; below 0 it is broken.",
        "percentunit",
        Query(f"1 - {burn.errors('3d')} / {objective.error_budget:g}", "{{model}}"),
        good_from(0),
    )


def latency_budget_left(objective: Objective) -> Panel:
    """How much of the late answers' budget is there still."""
    return figure(
        "Latency budget left",
        "Share of what may be late that was not, over the last 3 days.",
        "percentunit",
        Query(f"1 - {burn.late('3d')} / {objective.latency_budget:g}", "{{model}}"),
        good_from(0),
    )


def error_burn(objective: Objective) -> Panel:
    """How fast the errors' budget goes."""
    return _burn("Error budget burn", burn.errors, objective.error_budget)


def latency_burn(objective: Objective) -> Panel:
    """How fast the late answers' budget goes."""
    return _burn("Latency budget burn", burn.late, objective.latency_budget)


def _burn(title: str, series: Callable[[str], str], budget: float) -> Panel:
    return plot(
        title,
        "1 uses the budget of 30 days up in 30 days. A page: 14.4 over 1 h, or 6 over 6 h.",
        "suffix: x",
        *(Query(f"{series(window)} / {budget:g}", window) for window in ("5m", "1h", "6h")),
    )


def requests() -> Panel:
    """What is asked."""
    return plot(
        "Infer requests",
        "Answers to infer requests, by status; gRPC's as HTTP's.",
        "reqps",
        Query(f"sum by (code) (rate({INFERENCE_REQUESTS}[{RATE}]))", "{{code}}"),
    )


def rows() -> Panel:
    """How much is scored."""
    return plot(
        "Rows scored",
        "Rows that the model scored in a second; a request may carry many.",
        "suffix: rows/s",
        Query(f"sum by (model) (rate({INFERENCE_ROWS}[{RATE}]))", "{{model}}"),
    )


def routes() -> Panel:
    """Everything that HTTP brings."""
    return plot(
        "HTTP requests",
        "All HTTP requests, by route; probes and scrapes are among them.",
        "reqps",
        Query(f"sum by (route) (rate({HTTP_REQUESTS}[{RATE}]))", "{{route}}"),
    )


def latency() -> Panel:
    """How long an answer takes."""
    return plot(
        "Infer duration",
        "From an infer request's whole body to its answer: median, 9 in 10, 99 in 100.",
        "s",
        *quantiles(_BUCKETS),
    )


def in_hand() -> Panel:
    """How much waits."""
    return plot(
        "In hand and waiting",
        "Infer requests that workers have in hand, and those of them that wait for a batch.",
        "none",
        Query(f"sum({INFERENCE_IN_FLIGHT})", "in hand"),
        Query(f"sum({INFERENCE_QUEUE_DEPTH})", "waiting"),
    )


def batches() -> Panel:
    """How many rows are scored at once."""
    rows, runs = (f"sum(rate({BATCH_ROWS}_{of}[{RATE}]))" for of in ("sum", "count"))
    return plot(
        "Rows a run of the graph",
        "Rows scored together: on average, and what half, 9 in 10, 99 in 100 runs have at most"
        " (up to 1, 2, 4, 8 ...).",
        "none",
        Query(f"{rows} / {runs}", "mean"),
        *(
            Query(_at_most(quantile, runs), f"p{quantile * 100:g} at most")
            for quantile in _QUANTILES
        ),
    )


def _at_most(quantile: float, runs: str) -> str:
    """The first bound that this share of the runs keeps to.

    `histogram_quantile` would show a value between two bounds, and half a row for single ones.
    """
    bucket = f"{BATCH_ROWS}_bucket"
    return " or ".join(
        f'((sum(rate({bucket}{{le="{bound:.1f}"}}[{RATE}])) >= {quantile:g} * ({runs} > 0))'
        f" * 0 + {bound})"
        for bound in ROWS_BOUNDS
    )


def refused() -> Panel:
    """What callers are told to mend."""
    return plot(
        "Refused as the caller's fault",
        "Share of infer requests answered 4xx, by what was wrong; `signature` may be a release.",
        "percentunit",
        Query(REFUSED, "{{reason}}"),
    )


def turned_away() -> Panel:
    """What the limits refused."""
    codes = "408|413|422|429"
    return plot(
        "Refused by limits",
        "Too slow (408), too long (413), too many rows (422), too many at once (429).",
        "reqps",
        Query(
            f'sum by (code) (rate({INFERENCE_REQUESTS}{{code=~"{codes}"}}[{RATE}]))',
            "{{code}}",
        ),
    )
