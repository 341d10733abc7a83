"""What a model was trained on: the days of each part of the split, and the lake's version.

Owns the form of training.json. The split gives whole days to one part, so days tell which rows a
model has seen, whatever its data is about.
"""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from contracts.model_package import CARD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

NAME: Final = "training.json"
SEEN: Final = ("train", "validation")
"""Parts of which a model knows the rows: those it learned from, and those it stopped by."""

_DAY: Final = timedelta(days=1)


def provenance(
    parts: Mapping[str, pl.DataFrame], event_date: str, lake_version: str
) -> dict[str, Any]:
    """Return each named part's rows and its days, as first and last of those without a gap."""
    return {
        "lake_version": lake_version,
        "parts": {
            name: {"rows": rows.height, "days": list(_runs(rows[event_date].unique().sort()))}
            for name, rows in parts.items()
        },
    }


def seen(files: Mapping[str, bytes]) -> frozenset[date] | None:
    """Return the days of which a packaged model knows rows; None where it does not say.

    A package that has no training.json yet has a card, whose table says from when to when its
    parts went: then all days between count as seen.
    """
    if NAME in files:
        parts = json.loads(files[NAME])["parts"]
        runs = [run for name in SEEN for run in parts[name]["days"]]
    else:
        runs = _CARD_ROW.findall(files.get(CARD, b"").decode())
    return frozenset(day for first, last in runs for day in _days(first, last)) or None


_CARD_ROW: Final = re.compile(
    rf"^\| (?:{'|'.join(SEEN)}) \| (\d{{4}}-\d\d-\d\d) \| (\d{{4}}-\d\d-\d\d) \|", re.MULTILINE
)


def _runs(days: pl.Series) -> Iterator[tuple[str, str]]:
    every: list[date] = days.to_list()
    ends = [day for day, after in pairwise(every) if after - day > _DAY]
    begins = [after for day, after in pairwise(every) if after - day > _DAY]
    for first, last in zip([*every[:1], *begins], [*ends, *every[-1:]], strict=True):
        yield first.isoformat(), last.isoformat()


def _days(first: str, last: str) -> Iterator[date]:
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    while day <= end:
        yield day
        day += _DAY
