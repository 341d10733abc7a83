"""Joins checked tables to one row per flight: what is known before departure, and the outcome.

Owns the cut in time and the label. A flight's features come from its schedule, its plane and the
weather at its origin observed at least one hour before its scheduled hour.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from usecases.flight_delays.columns import (
    CALENDAR,
    CATEGORIES,
    EVENT_DATE,
    LABEL,
    LATE_MINUTES,
    MEASURES,
    WEATHER,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTICE: Final = timedelta(hours=1)
STALE: Final = timedelta(hours=6)
"""An older observation says little about the departure: it counts as missing."""


def build(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the raw inputs, `late` (Int8) and `flight_date` of every flight that arrived.

    Cancelled and diverted flights have no arrival delay, so the question "how late does it
    arrive?" has no answer for them: they are left out. Missing measures are NaN.
    """
    outcome = tables["flights"].filter(pl.col("arr_delay").is_not_null())
    rows = _with_weather(outcome, tables["weather"])
    rows = rows.join(_planes(tables["planes"]), on="tailnum", how="left")
    return rows.sort("row").select(
        "row",
        *CALENDAR,
        *CATEGORIES,
        *(pl.col(name).cast(pl.Float32).fill_null(float("nan")) for name in MEASURES),
        pl.date("year", "month", "day").alias(EVENT_DATE),
        (pl.col("arr_delay") > LATE_MINUTES).cast(pl.Int8).alias(LABEL),
    )


def _with_weather(flights: pl.DataFrame, weather: pl.DataFrame) -> pl.DataFrame:
    """Attach the origin's newest observation that is at least `NOTICE` older than the flight."""
    known = weather.select("origin", *WEATHER, pl.col("time_hour").alias("known_at"))
    return (
        flights.with_columns((pl.col("time_hour") - NOTICE).alias("known_at"))
        .sort("known_at")
        .join_asof(
            known.sort("known_at"),
            on="known_at",
            by="origin",
            strategy="backward",
            tolerance=STALE,
            check_sortedness=False,
        )
    )


def _planes(planes: pl.DataFrame) -> pl.DataFrame:
    return planes.select(
        "tailnum", pl.col("year").alias("plane_year"), pl.col("seats").alias("plane_seats")
    )
