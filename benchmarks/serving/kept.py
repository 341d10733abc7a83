"""What became of the prediction log under load, by the server's own metrics."""

from __future__ import annotations

import re
import urllib.request
from dataclasses import dataclass

from contracts.metrics import LOG_DROPPED, LOG_PENDING_BYTES, LOG_RECORDS

_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Kept:
    """Of one server, when its loads ended.

    Attributes:
        predictions: in the journal, or in their table already.
        dropped: answered and not logged.
        waiting: MiB in the journal that were not in their table yet.
    """

    predictions: int
    dropped: int
    waiting: float


def kept(port: int) -> Kept | None:
    """What the server says; None of one that has no log."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://127.0.0.1:{port}/metrics") as answer:
        return read(answer.read().decode())


def read(metrics: str) -> Kept | None:
    """The same, of the text that the server exposes."""
    found = [
        re.search(rf"^{series} (\S+)$", metrics, re.MULTILINE)
        for series in (
            rf'{LOG_RECORDS}\{{kind="prediction"\}}',
            rf"{LOG_DROPPED}\{{.*\}}",
            LOG_PENDING_BYTES,
        )
    ]
    if None in found:
        return None
    predictions, dropped, waiting = (float(match[1]) for match in found if match)
    return Kept(int(predictions), int(dropped), waiting / _MEBIBYTE)
