"""Serving's objective as multi-window, multi-burn-rate alerts.

Method: The Site Reliability Workbook (Google, 2018), chapter 5 "Alerting on SLOs", section 6 and
table 5-8: an alert fires while the budget of 30 days burns so fast over a long window that a set
part of it is gone, and over a short one of a twelfth, which lets it end soon after the fault.

| severity | long | short | burn rate | budget gone |
|---|---|---|---|---|
| page | 1 h | 5 min | 14.4 | 2% |
| page | 6 h | 30 min | 6 | 5% |
| ticket | 3 d | 6 h | 1 | 10% |

It needs traffic to mean anything: of ten requests in an hour, one that fails is a page. The
workbook's same chapter says what to do about services that are asked so rarely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from contracts.metrics import INFERENCE_REQUESTS, INFERENCE_SECONDS
from monitoring.alert import Alert, Recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitoring.objective import Objective

WINDOWS = ("5m", "30m", "1h", "6h", "3d")


@dataclass(frozen=True)
class Speed:
    """How fast a budget burns, over which windows, and whom that must reach."""

    severity: Literal["page", "ticket"]
    long: str
    short: str
    rate: float


SPEEDS = (
    Speed("page", "1h", "5m", 14.4),
    Speed("page", "6h", "30m", 6),
    Speed("ticket", "3d", "6h", 1),
)


def errors(window: str) -> str:
    """Name of the series: share of infer requests that failed by our fault (5xx), by model."""
    return f"model:slipway_inference_errors:ratio_rate{window}"


def late(window: str) -> str:
    """Name of the series: share of infer requests answered later than promised, by model."""
    return f"model:slipway_inference_late:ratio_rate{window}"


def recordings(objective: Objective) -> list[Recording]:
    """Both shares over each window; nothing where there was no request."""
    return [
        *(Recording(errors(window), _error_share(window)) for window in WINDOWS),
        *(Recording(late(window), _late_share(window, objective)) for window in WINDOWS),
    ]


def alerts(objective: Objective) -> list[Alert]:
    """A page and a ticket for errors, a page and a ticket for latency."""
    on_time = f"{objective.latency_percent:g}% within {objective.latency_seconds:g} s"
    without_fault = f"{objective.availability_percent:g}% without fault"
    return [
        *_pair("Errors", errors, objective.error_budget, without_fault),
        *_pair("Latency", late, objective.latency_budget, on_time),
    ]


def _pair(
    subject: str, series: Callable[[str], str], budget: float, promise: str
) -> tuple[Alert, Alert]:
    fast = [_burns(series, speed, budget) for speed in SPEEDS if speed.severity == "page"]
    slow = [_burns(series, speed, budget) for speed in SPEEDS if speed.severity == "ticket"]
    name = f"Serving{subject}BurnBudget"
    summary = f"{{{{ $labels.model }}}} breaks its promise of {promise}"
    return (
        Alert(f"{name}Fast", " or ".join(fast), "0s", "page", f"{summary}: fast", name),
        Alert(f"{name}Slowly", " or ".join(slow), "0s", "ticket", f"{summary}: slowly", name),
    )


def _burns(series: Callable[[str], str], speed: Speed, budget: float) -> str:
    threshold = f"{speed.rate:g} * {budget:g}"
    return f"({series(speed.long)} > {threshold} and {series(speed.short)} > {threshold})"


def _error_share(window: str) -> str:
    asked = f"sum by (model) (rate({INFERENCE_REQUESTS}[{window}]))"
    failed = f'sum by (model) (rate({INFERENCE_REQUESTS}{{code=~"5.."}}[{window}]))'
    # Where nothing ever failed there is no series of failures, but the share is known: 0.
    return f"({failed} or 0 * {asked}) / {asked}"


def _late_share(window: str, objective: Objective) -> str:
    within = f'{INFERENCE_SECONDS}_bucket{{le="{objective.latency_seconds}"}}'
    return (
        f"1 - sum by (model) (rate({within}[{window}]))"
        f" / sum by (model) (rate({INFERENCE_SECONDS}_count[{window}]))"
    )
