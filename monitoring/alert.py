"""Alerts and recording rules as plain data, and the form that Prometheus reads them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RUNBOOKS = "docs/runbooks"


@dataclass(frozen=True)
class Recording:
    """One recording rule: the series `name` is what `expression` gives."""

    name: str
    expression: str

    def as_rule(self) -> dict[str, object]:
        """The same as Prometheus reads it."""
        return {"record": self.name, "expr": self.expression}


@dataclass(frozen=True)
class Alert:
    """One alert: a PromQL expression that must hold for `hold` before it fires.

    `guide` names the runbook where several alerts share one.
    """

    name: str
    expression: str
    hold: str
    severity: Literal["page", "ticket"]
    summary: str
    guide: str | None = None

    @property
    def runbook(self) -> str:
        """Where it is written what to do, from the project's root."""
        return f"{RUNBOOKS}/{self.guide or self.name}.md"

    def as_rule(self) -> dict[str, object]:
        """The same as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.hold,
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "runbook": self.runbook},
        }
