"""By which slices a model is looked at, what it must reach, and how it is trained.

Owns the numbers a team argues about. Computing metrics and deciding is `components`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from usecases.contract import QualityGates

if TYPE_CHECKING:
    from collections.abc import Mapping

MORNING, NOON, EVENING = 600, 1200, 1700
"""Where the parts of a day begin, as HHMM."""

GATES: Final = QualityGates(
    beats_baseline={"roc_auc": 0.02, "pr_auc": 0.02, "log_loss": 0.005, "brier": 0.001},
    at_most={"ece": 0.05},
    slices={"log_loss": 0.02},
    slice_rows=500,
    champion={"roc_auc": 0.005, "log_loss": 0.005},
)

TRAINING: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "objective": "binary",
        "learning_rate": 0.05,
        "num_leaves": 31,
        "min_data_in_leaf": 100,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
    }
)


def slices(rows: pl.DataFrame) -> dict[str, pl.Series]:
    """Origin, carrier and part of day of each row."""
    clock = pl.col("sched_dep_time")
    part = pl.when(clock < NOON).then(pl.lit("morning")).otherwise(pl.lit("afternoon"))
    part = pl.when(clock < MORNING).then(pl.lit("night")).otherwise(part)
    part = pl.when(clock >= EVENING).then(pl.lit("evening")).otherwise(part)
    return {
        "origin": rows["origin"],
        "carrier": rows["carrier"],
        "part_of_day": rows.select(part.alias("part_of_day")).to_series(),
    }
