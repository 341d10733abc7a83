"""What became of the prediction log under load, by the server's own metrics."""

from __future__ import annotations

import re
import urllib.request
from dataclasses import dataclass

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
        re.search(rf"^slipway_prediction_log_{name} (\S+)$", metrics, re.MULTILINE)
        for name in (r'records_total\{kind="prediction"\}', r"dropped_total\{.*\}", "pending_bytes")
    ]
    if None in found:
        return None
    predictions, dropped, waiting = (float(match[1]) for match in found if match)
    return Kept(int(predictions), int(dropped), waiting / _MEBIBYTE)
