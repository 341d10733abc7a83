"""What serving promises, as plain figures; alerts and dashboards are made from it."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_PERCENT = 95.0
"""Below it an alert that fires at 14.4 times the budget would ask for over 72% of failures."""


@dataclass(frozen=True)
class Objective:
    """Over 30 days: percent of requests answered without fault, and percent answered in time.

    `latency_seconds` is one of the bounds of serving's histogram (`contracts.metrics`).
    """

    availability_percent: float = 99.5
    latency_seconds: float = 0.1
    latency_percent: float = 99.0

    @property
    def error_budget(self) -> float:
        """Share of requests that may fail, 0 to 1."""
        return _rest(self.availability_percent)

    @property
    def latency_budget(self) -> float:
        """Share of requests that may be late, 0 to 1."""
        return _rest(self.latency_percent)


def _rest(percent: float) -> float:
    # Rounded: 1 - 99.9 / 100 would stand in the rules with its floating-point dust.
    return round(1 - percent / 100, 9)
