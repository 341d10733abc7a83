"""The model as every handler scores it: the same graph and the same session options.

It runs in each peer's environment, so it needs no more than numpy and onnxruntime.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime as ort

if TYPE_CHECKING:
    import numpy as np

MODEL = "SLIPWAY_BENCHMARK_MODEL"
PORT = "SLIPWAY_BENCHMARK_PORT"
WORKERS = "SLIPWAY_BENCHMARK_WORKERS"


def folder() -> Path:
    """Where `model.onnx`, `signature.json` and the floor's `answer.json` are."""
    return Path(os.environ[MODEL])


def port() -> int:
    """The port to listen on, at 127.0.0.1."""
    return int(os.environ[PORT])


def workers() -> int:
    """How many processes are to answer."""
    return int(os.environ[WORKERS])


def signature() -> dict[str, Any]:
    """Inputs and outputs of the model."""
    found: dict[str, Any] = json.loads((folder() / "signature.json").read_text())
    return found


class Scorer:
    """One session with one thread, as parallelism comes from the workers."""

    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        graph = str(folder() / "model.onnx")
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.name: str = signature()["name"]
        self.outputs = [each.name for each in self._session.get_outputs()]

    def __call__(self, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs, in order, of arrays by input name."""
        results: list[np.ndarray] = self._session.run(self.outputs, arrays)
        return results
