"""What the source's tables must look like: columns, types and rules for values.

Owns the rules. Applying them and reporting rows is `components/validate`.
"""

from __future__ import annotations

from typing import Final

import pandera.polars as pa
import polars as pl

from usecases.contract import KnownBadCell

TIME: Final = pl.Datetime("us", "UTC")
CLOCK: Final = pa.Check(
    lambda data: data.lazyframe.select(
        pl.col(data.key).is_between(0, 2400) & (pl.col(data.key) % 100 < 60)  # noqa: PLR2004 -- HHMM
    ),
    error="a time of day as HHMM",
)
AIRPORT: Final = pa.Check.str_matches(r"^[A-Z0-9]{3}$", error="an airport code of three characters")
ORIGIN: Final = pa.Check.isin(["EWR", "JFK", "LGA"], error="one of EWR, JFK, LGA")


def _between(low: float, high: float) -> pa.Check:
    return pa.Check.in_range(low, high, error=f"between {low:g} and {high:g}")


def _measure(low: float, high: float) -> pa.Column:
    return pa.Column(pl.Float64, _between(low, high), nullable=True)


FLIGHTS: Final = pa.DataFrameSchema(
    {
        "row": pa.Column(pl.Int64),
        "year": pa.Column(pl.Int64, _between(2000, 2100)),
        "month": pa.Column(pl.Int64, _between(1, 12)),
        "day": pa.Column(pl.Int64, _between(1, 31)),
        "dep_time": pa.Column(pl.Int64, CLOCK, nullable=True),
        "sched_dep_time": pa.Column(pl.Int64, CLOCK),
        "dep_delay": pa.Column(pl.Float64, _between(-180, 2880), nullable=True),
        "arr_time": pa.Column(pl.Int64, CLOCK, nullable=True),
        "sched_arr_time": pa.Column(pl.Int64, CLOCK),
        "arr_delay": pa.Column(pl.Float64, _between(-180, 2880), nullable=True),
        "carrier": pa.Column(
            pl.String,
            pa.Check.str_matches(r"^[A-Z0-9]{2}$", error="a carrier code of two characters"),
        ),
        "flight": pa.Column(pl.Int64, _between(1, 9999)),
        "tailnum": pa.Column(pl.String, nullable=True),
        "origin": pa.Column(pl.String, ORIGIN),
        "dest": pa.Column(pl.String, AIRPORT),
        "air_time": pa.Column(pl.Float64, _between(1, 1440), nullable=True),
        "distance": pa.Column(pl.Float64, _between(1, 12000)),
        "hour": pa.Column(pl.Int64, _between(0, 24)),
        "minute": pa.Column(pl.Int64, _between(0, 59)),
        "time_hour": pa.Column(TIME),
    },
    name="flights",
    unique=["year", "month", "day", "carrier", "flight", "origin", "sched_dep_time"],
)

WEATHER: Final = pa.DataFrameSchema(
    {
        "row": pa.Column(pl.Int64),
        "origin": pa.Column(pl.String, ORIGIN),
        "year": pa.Column(pl.Int64, _between(2000, 2100)),
        "month": pa.Column(pl.Int64, _between(1, 12)),
        "day": pa.Column(pl.Int64, _between(1, 31)),
        "hour": pa.Column(pl.Int64, _between(0, 23)),
        "temp": _measure(-60, 130),
        "dewp": _measure(-80, 100),
        "humid": _measure(0, 100),
        "wind_dir": _measure(0, 360),
        "wind_speed": _measure(0, 250),
        "wind_gust": _measure(0, 300),
        "precip": _measure(0, 20),
        "pressure": _measure(850, 1100),
        "visib": _measure(0, 100),
        "time_hour": pa.Column(TIME),
    },
    name="weather",
    unique=["origin", "time_hour"],
)

PLANES: Final = pa.DataFrameSchema(
    {
        "row": pa.Column(pl.Int64),
        "tailnum": pa.Column(pl.String, unique=True),
        "year": pa.Column(pl.Int64, _between(1940, 2100), nullable=True),
        "type": pa.Column(pl.String, nullable=True),
        "manufacturer": pa.Column(pl.String, nullable=True),
        "model": pa.Column(pl.String, nullable=True),
        "engines": pa.Column(pl.Int64, _between(1, 8), nullable=True),
        "seats": pa.Column(pl.Int64, _between(1, 900), nullable=True),
        "speed": pa.Column(pl.Int64, nullable=True),
        "engine": pa.Column(pl.String, nullable=True),
    },
    name="planes",
)

SCHEMAS: Final = {"flights": FLIGHTS, "weather": WEATHER, "planes": PLANES}

ERRATA: Final = (
    KnownBadCell(
        table="weather",
        column="wind_speed",
        value="1048.36058",
        why="EWR, 2013-02-12 03:00: ten times a hurricane, a known error of the published file",
    ),
)
