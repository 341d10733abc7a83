"""Baseline and slices of the flight use case."""

from __future__ import annotations

import polars as pl
import pytest

from usecases.flight_delays.baseline import PRIOR_FLIGHTS, predict
from usecases.flight_delays.quality_gates import slices


def test_baseline_is_the_late_rate_by_hour_and_carrier():
    """A seen pair has its smoothed rate, an unseen one the overall rate."""
    train = pl.DataFrame(
        {
            "carrier": ["UA"] * 50 + ["DL"] * 50,
            "sched_dep_time": [815] * 100,
            "late": [1] * 40 + [0] * 60,
        }
    )
    rows = pl.DataFrame({"carrier": ["UA", "DL", "UA"], "sched_dep_time": [859, 800, 900]})
    smoothed = (40 + PRIOR_FLIGHTS * 0.4) / (50 + PRIOR_FLIGHTS), 20 / (50 + PRIOR_FLIGHTS)
    assert predict(train, rows).tolist() == pytest.approx([*smoothed, 0.4])


def test_slices_are_origin_carrier_and_part_of_day():
    """Each row has one value in each dimension."""
    rows = pl.DataFrame(
        {
            "origin": ["JFK"] * 4,
            "carrier": ["UA"] * 4,
            "sched_dep_time": [559, 1115, 1200, 2359],
        }
    )
    found = {name: values.to_list() for name, values in slices(rows).items()}
    assert found == {
        "origin": ["JFK"] * 4,
        "carrier": ["UA"] * 4,
        "part_of_day": ["night", "morning", "afternoon", "evening"],
    }
