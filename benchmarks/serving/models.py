"""The models that all contestants serve, and rows for them.

Owns the two graphs: the flight use case's, trained here by the project's own steps, and a small
dense one over a single FP32 input. How rows become a request's body is the business of `bodies`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
import spox.opset.ai.onnx.v17 as op
from spox import Tensor, argument, build

from components.ingest import logic as ingesting
from components.package import logic as packaging
from components.split import logic as splitting
from components.train import logic as training
from components.validate import logic as validating
from contracts.model_package import GRAPH, SIGNATURE
from usecases.contract import load

if TYPE_CHECKING:
    from pathlib import Path

USECASE = "flight_delays"
MONTHS = "1-3"
ROUNDS = 400
SEED = 7
"""As the training pipeline's own defaults."""
WIDTH = 16
_HIDDEN = 32
_DTYPES = {"INT64": np.int64, "FP32": np.float32, "BYTES": np.object_}


@dataclass(frozen=True)
class Model:
    """A model as its artifact's files, and as many example rows as a request may need.

    Attributes:
        name: as servers call it.
        label: as the report calls it.
        files: the artifact's, by title.
        rows: values by input name; a number, a text, or a list of numbers.
    """

    name: str
    label: str
    files: dict[str, bytes]
    rows: list[dict[str, Any]]

    @property
    def graph(self) -> bytes:
        """Serialized ONNX."""
        return self.files[GRAPH]

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """The signature's inputs."""
        found: list[dict[str, Any]] = json.loads(self.files[SIGNATURE])["inputs"]
        return found

    def arrays(self, rows: int) -> dict[str, np.ndarray]:
        """The first rows, as onnxruntime takes them."""
        return {
            each["name"]: np.array(
                [row[each["name"]] for row in self.rows[:rows]], _DTYPES[each["datatype"]]
            ).reshape(rows, -1)
            for each in self.inputs
        }

    def expected(self, rows: int) -> list[float]:
        """What a right answer holds for the first rows: the first output, flat."""
        session = ort.InferenceSession(self.graph, providers=["CPUExecutionProvider"])
        (result, *_) = session.run(None, self.arrays(rows))
        flat: list[float] = result.ravel().tolist()
        return flat


def flights(lake: Path, rows: int) -> Model:
    """Train the flight model on three months, as the pipeline does; `lake` keeps the data.

    Raises:
        StepError: see the steps of `components`.
    """
    usecase = load(USECASE)
    landed = ingesting.ingest(usecase, str(lake), "", MONTHS)
    observations = validating.validate(usecase, landed["tables"])
    parts = splitting.split(observations, usecase.event_date)
    trained = training.train(usecase, parts.train, parts.validation, ROUNDS, SEED)
    layers = packaging.package(usecase, trained.model, vars(parts), "", landed["version"])
    files = {layer.name: layer.content for layer in layers}
    # Rows with every cell: not each peer's JSON has a way to say that a number is missing.
    whole = parts.test.select(each.name for each in usecase.inputs).drop_nulls().drop_nans()
    examples = [
        {name: _short(value) for name, value in row.items()} for row in whole.head(rows).to_dicts()
    ]
    return Model(usecase.model, "flight delays", files, examples)


def _short(value: Any) -> Any:
    """A float32 as people write it, not as it is widened."""
    return float(f"{value:.7g}") if isinstance(value, float) else value


def synthetic(rows: int) -> Model:
    """Two dense layers over 16 numbers: the least work that is still a model."""
    random = np.random.default_rng(5)
    weights = [
        random.normal(size=size).astype(np.float32) for size in ((WIDTH, _HIDDEN), (_HIDDEN, 1))
    ]
    x = argument(Tensor(np.float32, ("N", WIDTH)))
    hidden = op.relu(op.matmul(x, op.const(weights[0])))
    y = op.sigmoid(op.matmul(hidden, op.const(weights[1])))
    values = random.normal(size=(rows, WIDTH)).astype(np.float32).round(4)
    examples = [{"x": [round(float(value), 4) for value in row]} for row in values]
    signature = {
        "name": "dense",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, WIDTH]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 1]}],
        "example": examples[0],
    }
    graph = build({"x": x}, {"y": y}).SerializeToString()
    files = {GRAPH: graph, SIGNATURE: json.dumps(signature).encode()}
    return Model("dense", f"dense, {WIDTH} numbers", files, examples)
