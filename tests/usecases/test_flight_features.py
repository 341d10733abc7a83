"""The feature graph."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from components import graph
from usecases.flight_delays.columns import INPUTS, LABEL
from usecases.flight_delays.features import FEATURES, PRIOR_FLIGHTS, fit


@pytest.fixture(scope="module")
def features(observations):
    """A function from rows to a frame of features, learned on February."""
    model = fit(observations).SerializeToString()
    return lambda rows: pl.DataFrame(graph.run(model, rows, INPUTS, "features"), list(FEATURES))


def test_weekday_is_the_calendars(observations, features):
    """Every day from 1999 to 2031, across leap years and a century, has its weekday."""
    days = pl.date_range(date(1999, 1, 1), date(2031, 12, 31), eager=True)
    row = observations.head(1).drop("year", "month", "day")
    dated = pl.DataFrame(
        {"year": days.dt.year(), "month": days.dt.month(), "day": days.dt.day()}
    ).join(row, how="cross")
    assert features(dated)["weekday"].to_list() == [day.weekday() for day in days]


def test_clock_times_become_minutes(observations, features):
    """HHMM becomes minutes of the day, and a flight over midnight has a positive length."""
    row = observations.head(1).with_columns(sched_dep_time=2359, sched_arr_time=130)
    derived = features(row.with_columns(pl.col(pl.Int32).cast(pl.Int64)))
    minutes = derived.select("departure_minute", "arrival_minute", "planned_minutes")
    assert minutes.row(0) == (1439.0, 90.0, 91.0)


def test_known_category_has_its_smoothed_late_rate(observations, features):
    """A carrier's feature is its late rate, drawn to the overall one."""
    mine = observations.filter(pl.col("carrier") == "EV")
    prior = observations[LABEL].to_numpy().mean()
    rate = (mine[LABEL].sum() + PRIOR_FLIGHTS * prior) / (mine.height + PRIOR_FLIGHTS)
    assert features(mine.head(1))["carrier_late_rate"][0] == pytest.approx(rate)


def test_unknown_categories_take_the_overall_rate(observations, features):
    """A carrier, origin or destination that training never saw is as late as flights are."""
    unknown = observations.head(1).with_columns(
        *(pl.lit("??").alias(name) for name in ("carrier", "origin", "dest"))
    )
    prior = np.float32(observations[LABEL].to_numpy().mean())
    rates = features(unknown).select("carrier_late_rate", "origin_late_rate", "dest_late_rate")
    assert rates.row(0) == (prior, prior, prior)


def test_missing_measures_take_the_median(observations, features):
    """A NaN becomes the training median; no feature is ever NaN."""
    missing = observations.head(1).with_columns(temp=pl.lit(np.nan, pl.Float32))
    assert features(missing)["temp"][0] == observations["temp"].drop_nans().median()
    assert features(observations).select(pl.all().is_nan().any()).row(0) == (False,) * len(FEATURES)
