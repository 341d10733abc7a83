"""A sample of the training rows: what explanations of the served model compare a row with.

Owns the form of background.json and the choice of its rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from components.package.signature import as_json

if TYPE_CHECKING:
    import polars as pl

    from usecases.contract import UseCase

ROWS: Final = 64


def background(usecase: UseCase, predicted: np.ndarray, train: pl.DataFrame) -> dict[str, Any]:
    """Return the values of each raw input, one for each sampled row; a missing measure is null.

    The rows are ordered by prediction and cut into `ROWS` equal shares, of which each gives its
    middle row: what the model says of the sample is then on average what it says of all rows, and
    that is where explanations begin to count from. (On flights of four months the sample is off by
    0.0002; as many rows evenly over time are off by 0.025, drawn by lot by 0.01 to 0.03.)

    Args:
        usecase: whose inputs.
        predicted: the model's prediction for each row, [N].
        train: the rows.
    """
    names = [item.name for item in usecase.inputs]
    count = min(ROWS, len(predicted))
    middles = (2 * np.arange(count) + 1) * len(predicted) // (2 * count)
    ordered = np.argsort(predicted, kind="stable")
    rows = train[ordered[middles].tolist()].select(names).fill_nan(None)
    return {name: [as_json(value) for value in rows[name]] for name in names}
