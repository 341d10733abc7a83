"""Why a step failed, from its log: the same on this machine and on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.exits import full_disk
from usecases.errors import MEND

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
    cause, mend, remedy = words[0].partition(MEND)
    if mend:
        return cause.partition(": ")[2], remedy.removesuffix("]")
    return cause, f"read {log}"
