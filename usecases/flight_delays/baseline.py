"""The rule a model must beat: how often such flights were late before.

Owns the historical late rate by scheduled hour and carrier, drawn towards the overall rate where
flights are few (additive smoothing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from usecases.flight_delays.columns import LABEL

if TYPE_CHECKING:
    import numpy as np

PRIOR_FLIGHTS: Final = 50


def predict(train: pl.DataFrame, rows: pl.DataFrame) -> np.ndarray:
    """Late probabilities [N] of `rows`, from the late rates in `train`."""
    by = ["hour", "carrier"]
    overall = float(train.select(pl.col(LABEL).mean()).item())
    late = pl.col(LABEL).sum() + PRIOR_FLIGHTS * overall
    rates = _hourly(train).group_by(by).agg((late / (pl.len() + PRIOR_FLIGHTS)).alias("rate"))
    joined = _hourly(rows).join(rates, on=by, how="left", maintain_order="left")
    return joined["rate"].fill_null(overall).to_numpy()


def _hourly(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns((pl.col("sched_dep_time") // 100).alias("hour"))
