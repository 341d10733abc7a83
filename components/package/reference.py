"""What the training rows looked like: the reference that later rows are compared with.

Owns the form of reference.json. Quantiles and shares are enough for the population stability
index and its kin, without keeping rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import polars as pl

    from usecases.contract import UseCase

QUANTILES: Final = 20
CATEGORIES: Final = 200
"""More categories than this are cut; their joint share is what is missing to 1."""


def reference(usecase: UseCase, predicted: np.ndarray, train: pl.DataFrame) -> dict[str, Any]:
    """Return rows, label rate, and statistics of each raw input and of the prediction [N]."""
    return {
        "rows": train.height,
        "label_rate": _short(train[usecase.label].to_numpy().mean()),
        "features": {
            item.name: _shares(train[item.name])
            if item.datatype == "BYTES"
            else _quantiles(train[item.name].to_numpy())
            for item in usecase.inputs
        },
        "prediction": _quantiles(predicted),
    }


def _quantiles(values: np.ndarray) -> dict[str, Any]:
    """Return mean, deviation, the share of NaN and `QUANTILES + 1` evenly spaced quantiles."""
    known = values[~np.isnan(values)].astype(np.float64)
    missing = _short(1 - len(known) / len(values))
    if not len(known):
        return {"kind": "numeric", "missing": missing, "quantiles": []}
    levels = np.linspace(0, 1, QUANTILES + 1)
    return {
        "kind": "numeric",
        "missing": missing,
        "mean": _short(known.mean()),
        "deviation": _short(known.std()),
        "quantiles": [_short(value) for value in np.quantile(known, levels)],
    }


def _shares(values: pl.Series) -> dict[str, Any]:
    counts = (
        values.drop_nulls()
        .value_counts(sort=True)
        .sort("count", values.name, descending=[True, False])
    )
    rows = len(values)
    return {
        "kind": "category",
        "missing": _short(values.null_count() / rows),
        "shares": {
            str(name): _short(count / rows) for name, count in counts.head(CATEGORIES).iter_rows()
        },
    }


def _short(value: float | np.floating[Any]) -> float:
    return float(f"{value:.7g}")
