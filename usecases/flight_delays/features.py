"""The feature code, once: an ONNX graph from raw inputs to the trees' features.

Owns the transformation. The same graph makes the training matrix and is the front of the served
model, so there is no second copy that could differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import spox.opset.ai.onnx.ml.v3 as ml
import spox.opset.ai.onnx.v17 as op
from spox import Tensor, Var, argument, build

from usecases.flight_delays.columns import CALENDAR, CATEGORIES, LABEL, MEASURES

if TYPE_CHECKING:
    import onnx

PRIOR_FLIGHTS: Final = 50
DAY_MINUTES: Final = 24 * 60
DERIVED: Final = ("departure_minute", "arrival_minute", "planned_minutes", "weekday")
FEATURES: Final = (*DERIVED, *(f"{name}_late_rate" for name in CATEGORIES), *MEASURES)


def fit(train: pl.DataFrame) -> onnx.ModelProto:
    """Learn category late rates and medians on `train` and return the graph.

    Inputs are the raw features, each [N, 1]; output `features` is [N, F] FP32 in the order of
    `FEATURES`. A category unseen in `train` takes the overall late rate; NaN takes the median.
    """
    raw = _arguments()
    columns = [
        *_schedule(raw),
        *(_late_rate(raw[name], train, name) for name in CATEGORIES),
        *(_or_median(raw[name], train[name]) for name in MEASURES),
    ]
    model = build(raw, {"features": op.concat(columns, axis=1)})
    model.metadata_props.add(key="features", value=",".join(FEATURES))
    return model


def _arguments() -> dict[str, Var]:
    shape = ("N", 1)
    return {
        **{name: argument(Tensor(np.int64, shape)) for name in CALENDAR},
        **{name: argument(Tensor(np.str_, shape)) for name in CATEGORIES},
        **{name: argument(Tensor(np.float32, shape)) for name in MEASURES},
    }


def _integer(value: int) -> Var:
    return op.const(np.int64(value))


def _float(value: Var) -> Var:
    return op.cast(value, to=np.float32)


def _schedule(raw: dict[str, Var]) -> list[Var]:
    """Minutes of the day, planned minutes (local clocks, so zones are in them) and weekday."""
    departure, arrival = _minutes(raw["sched_dep_time"]), _minutes(raw["sched_arr_time"])
    planned = op.mod(op.sub(arrival, departure), _integer(DAY_MINUTES))
    weekday = _weekday(raw["year"], raw["month"], raw["day"])
    return [_float(value) for value in (departure, arrival, planned, weekday)]


def _minutes(clock: Var) -> Var:
    """Turn HHMM into minutes after midnight."""
    hundred = _integer(100)
    hours = op.mul(op.div(clock, hundred), _integer(60))
    return op.add(hours, op.mod(clock, hundred))


def _weekday(year: Var, month: Var, day: Var) -> Var:
    """Monday = 0 of a Gregorian date, by its Julian day number (Fliegel and Van Flandern 1968)."""
    early = op.div(op.sub(_integer(14), month), _integer(12))
    years = op.sub(op.add(year, _integer(4800)), early)
    months = op.sub(op.add(month, op.mul(_integer(12), early)), _integer(3))
    days = op.div(op.add(op.mul(_integer(153), months), _integer(2)), _integer(5))
    leaps = op.sub(op.div(years, _integer(4)), op.div(years, _integer(100)))
    leaps = op.add(leaps, op.div(years, _integer(400)))
    whole = op.add(op.mul(_integer(365), years), leaps)
    number = op.sub(op.add(op.add(day, days), whole), _integer(32045))
    return op.mod(number, _integer(7))


def _late_rate(category: Var, train: pl.DataFrame, name: str) -> Var:
    """Look up the category's late rate, drawn to the overall one (Micci-Barreca 2001)."""
    overall = float(train.select(pl.col(LABEL).mean()).item())
    late = pl.col(LABEL).sum() + PRIOR_FLIGHTS * overall
    rates = train.group_by(name).agg((late / (pl.len() + PRIOR_FLIGHTS)).alias("rate")).sort(name)
    return ml.label_encoder(
        category,
        keys_strings=rates[name].to_list(),
        values_floats=rates["rate"].to_list(),
        default_float=overall,
    )


def _or_median(measure: Var, values: pl.Series) -> Var:
    """Put the training median where the measure is NaN; 0 if training saw none at all.

    Filling here, not in the trees: a tree that met no NaN in training treats one as 0, and the
    ONNX operator would not.
    """
    known = values.drop_nans().median()
    median = np.float32(known) if isinstance(known, float) else np.float32(0)
    return op.where(op.isnan(measure), op.const(median), measure)
