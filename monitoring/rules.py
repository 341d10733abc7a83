"""Alert rules as plain data; each names its severity and a runbook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import yaml

_RUNBOOKS = "docs/runbooks"


@dataclass(frozen=True)
class Alert:
    """One alert: a PromQL expression that must hold for `hold` before it fires."""

    name: str
    expression: str
    hold: str
    severity: Literal["page", "ticket"]
    summary: str

    @property
    def runbook(self) -> str:
        """Where it is written what to do, from the project's root."""
        return f"{_RUNBOOKS}/{self.name}.md"


ALERTS = (
    Alert(
        name="ServiceDown",
        expression="up == 0",
        hold="30s",
        severity="page",
        summary="{{ $labels.job }} has not answered Prometheus for 30 s",
    ),
    Alert(
        name="NoModelServed",
        expression="slipway_model_ready == 0",
        hold="10m",
        severity="ticket",
        summary="the model server has had no model for 10 minutes",
    ),
    Alert(
        name="ModelRefused",
        expression="increase(slipway_model_load_failures_total[10m]) > 0",
        hold="0s",
        severity="ticket",
        summary="a released model was refused ({{ $labels.reason }}); the one before it serves on",
    ),
)


def rules(alerts: tuple[Alert, ...] = ALERTS) -> str:
    """A Prometheus rule file with all alerts."""
    return yaml.safe_dump(
        {"groups": [{"name": "slipway", "rules": [_rule(alert) for alert in alerts]}]},
        sort_keys=False,
    )


def _rule(alert: Alert) -> dict[str, object]:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.hold,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "runbook": alert.runbook},
    }
