"""What a flight's row knows, and that it knows nothing too early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from usecases.flight_delays import USECASE
from usecases.flight_delays.columns import EVENT_DATE, INPUTS, LABEL, WEATHER
from usecases.flight_delays.features import FEATURES
from usecases.flight_delays.observations import NOTICE, build

OUTCOMES = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time")
"""Known only after departure: no feature may depend on one of them."""
NAMES = [item.name for item in INPUTS]
DEPARTURES = [datetime(2013, 2, day, hour, tzinfo=UTC) for day in (3, 12, 27) for hour in (13, 22)]


def test_no_feature_bears_an_outcomes_name():
    """Inputs, features and outcome columns are disjoint."""
    assert set(OUTCOMES) & {*NAMES, *FEATURES} == set()
    assert {LABEL, EVENT_DATE, "row", "flight", "tailnum"} & {*NAMES, *FEATURES} == set()


@pytest.mark.parametrize("departure", DEPARTURES, ids=str)
def test_nothing_after_the_cut_reaches_a_feature(typed, departure):
    """Scrambling outcomes, other flights and all later weather leaves every input as it was."""
    mine = typed["flights"].filter(
        (pl.col("time_hour") == departure) & pl.col("arr_delay").is_not_null()
    )
    scrambled = mine.with_columns(
        *(pl.lit(999).cast(mine[name].dtype).alias(name) for name in OUTCOMES)
    )
    later = pl.col("time_hour") > departure - NOTICE
    weather = typed["weather"].with_columns(
        *(pl.when(later).then(-1.0).otherwise(pl.col(name)).alias(name) for name in WEATHER)
    )
    changed = build({**typed, "flights": scrambled, "weather": weather})
    known = build(typed).filter(pl.col("row").is_in(mine["row"].to_list()))
    assert mine.height > 30
    assert_frame_equal(changed.select("row", *NAMES), known.select("row", *NAMES))
    assert changed[LABEL].to_list() == [1] * mine.height


def test_weather_is_the_newest_that_is_an_hour_old(typed):
    """An observation exactly one hour before the scheduled hour is used, a later one is not."""
    departure = DEPARTURES[0]
    at = [departure - timedelta(hours=2), departure - NOTICE, departure]
    hours = pl.Series("time_hour", at, typed["weather"]["time_hour"].dtype)
    weather = typed["weather"].filter(pl.col("origin") == "JFK").head(3)
    weather = weather.with_columns(hours, pl.Series("temp", [1.0, 2.0, 3.0]))
    mine = typed["flights"].filter((pl.col("time_hour") == departure) & (pl.col("origin") == "JFK"))
    rows = build({**typed, "flights": mine, "weather": weather})
    assert rows["temp"].unique().to_list() == [2.0]


def test_stale_weather_counts_as_missing(typed):
    """Weather older than six hours is NaN, not a guess."""
    early = typed["weather"].filter(pl.col("time_hour") < DEPARTURES[0] - timedelta(hours=7))
    mine = typed["flights"].filter(pl.col("time_hour") == DEPARTURES[0])
    rows = build({**typed, "flights": mine, "weather": early})
    assert rows.select(pl.col(*WEATHER).is_nan().all()).row(0) == (True,) * len(WEATHER)


def test_flights_that_never_arrived_are_left_out(typed, observations):
    """One row for each flight with an arrival delay, late when that is over 15 minutes."""
    arrived = typed["flights"].filter(pl.col("arr_delay").is_not_null())
    assert observations["row"].to_list() == arrived["row"].to_list()
    assert observations[LABEL].to_list() == (arrived["arr_delay"] > 15).cast(pl.Int8).to_list()


def test_observations_have_the_inputs_types(observations):
    """Every input has the type of the served signature, and none is null."""
    kinds = {"INT64": pl.Int64, "FP32": pl.Float32, "BYTES": pl.String}
    assert dict(observations.select(NAMES).schema) == {i.name: kinds[i.datatype] for i in INPUTS}
    assert sum(observations.null_count().row(0)) == 0
    assert USECASE.inputs == INPUTS
