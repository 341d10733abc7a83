"""Why a step failed, from its log: the same on this machine and on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from contracts.steps import Refusal
from slipway.exits import full_disk

if TYPE_CHECKING:
    from pathlib import Path

TRACEBACK: Final = "Traceback (most recent call last):"


def diagnose(log: Path) -> tuple[str, str]:
    """Return cause and remedy of a failed step from its log: the last traceback's last word."""
    _, traceback, tail = log.read_text().rpartition(TRACEBACK)
    words = [line for line in tail.splitlines() if line.strip() and not line[0].isspace()]
    if not traceback or not words:
        if room := full_disk(log):
            return "the step ended without saying why", room
        return (
            "the step ended without saying why; it may have been killed for want of memory",
            f"read {log}",
        )
    _, _, message = words[0].partition(": ")
    return Refusal.parse(message) or (words[0], f"read {log}")
