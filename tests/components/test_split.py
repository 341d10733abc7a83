"""Splitting by time."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from components.split.logic import split
from usecases.errors import StepError


def days(count):
    """Two rows a day for `count` days."""
    first = date(2013, 1, 1)
    return pl.DataFrame({"day": [first + timedelta(d) for d in range(count) for _ in range(2)]})


def test_parts_are_whole_days_in_order():
    """Ten days give six, two and two, each day in one part, parts in order of time."""
    rows = days(10)
    parts = split(rows, "day")
    assert [part.height for part in (parts.train, parts.validation, parts.test)] == [12, 4, 4]
    assert pl.concat([parts.train, parts.validation, parts.test]).equals(rows)


def test_too_few_days_are_refused():
    """Four days cannot be split."""
    with pytest.raises(StepError, match=r"^the observations cover 4 days; a split by time needs 5"):
        split(days(4), "day")


def test_real_parts_do_not_overlap_in_time(parts):
    """The last training flight is before the first validation flight, and so on."""
    bounds = [
        (part["flight_date"].min(), part["flight_date"].max())
        for part in (parts.train, parts.validation, parts.test)
    ]
    assert bounds == [
        (date(2013, 2, 1), date(2013, 2, 17)),
        (date(2013, 2, 18), date(2013, 2, 22)),
        (date(2013, 2, 23), date(2013, 2, 28)),
    ]
