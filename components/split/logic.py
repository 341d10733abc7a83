"""Splits observations by date into train, validation and test.

Owns the cut. Whole days go to one part, and parts follow each other in time, as they will when
the model serves: a random split would let it learn from a day's other flights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from usecases.errors import StepError

if TYPE_CHECKING:
    from datetime import date

VALIDATION: Final = 0.2
TEST: Final = 0.2
FEWEST_DAYS: Final = 5


@dataclass(frozen=True)
class Parts:
    """Three frames with the columns of the observations, ascending in time."""

    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame


def split(observations: pl.DataFrame, event_date: str) -> Parts:
    """Give the last `TEST` of the days to test, `VALIDATION` before them to validation.

    Raises:
        StepError: there are too few days for three parts.
    """
    days: list[date] = observations[event_date].unique().sort().to_list()
    if len(days) < FEWEST_DAYS:
        raise StepError(
            f"the observations cover {len(days)} days; a split by time needs {FEWEST_DAYS}",
            "give more months",
        )
    first_test = days[len(days) - round(len(days) * TEST)]
    first_validation = days[len(days) - round(len(days) * (TEST + VALIDATION))]
    day = pl.col(event_date)
    return Parts(
        train=observations.filter(day < first_validation),
        validation=observations.filter((day >= first_validation) & (day < first_test)),
        test=observations.filter(day >= first_test),
    )
