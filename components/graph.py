"""Runs an ONNX graph on the rows of a frame.

Owns how columns become tensors of shape [N, 1]. It neither builds nor judges graphs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import onnxruntime as ort

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from usecases.contract import Datatype, RawInput

PROBABILITY: Final = "probability"
NUMPY: Final[dict[Datatype, type[np.generic]]] = {
    "INT64": np.int64,
    "FP32": np.float32,
    "BYTES": np.object_,
}


def run(model: bytes, rows: pl.DataFrame, inputs: Sequence[RawInput], output: str) -> np.ndarray:
    """Return `output` [N, width] of the serialized `model` for `rows`."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (result,) = session.run([output], feeds(rows, inputs))
    return cast("np.ndarray", result)


def probabilities(model: bytes, rows: pl.DataFrame, inputs: Sequence[RawInput]) -> np.ndarray:
    """Return the served model's probabilities [N] for `rows`, as float64 for exact metrics."""
    return run(model, rows, inputs, PROBABILITY)[:, 0].astype(np.float64)


def feeds(rows: pl.DataFrame, inputs: Sequence[RawInput]) -> dict[str, np.ndarray]:
    """Return one [N, 1] tensor for each raw input."""
    return {
        item.name: rows[item.name].to_numpy().astype(NUMPY[item.datatype]).reshape(-1, 1)
        for item in inputs
    }
