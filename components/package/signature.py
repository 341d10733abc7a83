"""The served model's signature, in the words of the Open Inference Protocol v2.

Owns the form of signature.json, which the server and `slipway predict` read.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from components.graph import PROBABILITY

if TYPE_CHECKING:
    import polars as pl

    from usecases.contract import RawInput, UseCase


def signature(usecase: UseCase, rows: pl.DataFrame) -> dict[str, Any]:
    """Return inputs and output with their meaning, and one row of `rows` as the example.

    The example is the first row without a missing measure, if there is one: JSON has no NaN.
    """
    return {"name": usecase.model, **tensors(usecase), "example": _example(usecase, rows)}


def tensors(usecase: UseCase) -> dict[str, Any]:
    """Return the part of it that callers must keep to: inputs and outputs."""
    return {
        "inputs": [_input(item) for item in usecase.inputs],
        "outputs": [
            {
                "name": PROBABILITY,
                "datatype": "FP32",
                "shape": [-1, 1],
                "description": f"how probable it is: {usecase.card.target}",
            }
        ],
    }


def _input(item: RawInput) -> dict[str, Any]:
    tensor = {"name": item.name, "datatype": item.datatype, "shape": [-1, 1]}
    meaning = {"description": item.meaning, "unit": item.unit, "values": list(item.values)}
    return tensor | {name: value for name, value in meaning.items() if value}


def _example(usecase: UseCase, rows: pl.DataFrame) -> dict[str, Any]:
    names = [item.name for item in usecase.inputs]
    candidates = rows.select(names).fill_nan(None)
    whole = candidates.drop_nulls()
    row = (whole if not whole.is_empty() else candidates.fill_null(0)).row(0, named=True)
    return {name: as_json(value) for name, value in row.items()}


def as_json(value: object) -> object:
    """Return a cell for JSON: a float32 that was widened is shortened, 57.1300010681 to 57.13."""
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.7g}")
    return value
