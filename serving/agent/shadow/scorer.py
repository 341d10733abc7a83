"""The shadow: scores logged predictions a second time, where no request waits for it.

Owns scoring a batch of the journal's records, and comparing. It works in the agent, on logged
records, so it can neither slow nor fail a response; and it is the first to be skipped when there is
too much to do.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from contracts.slots import SHADOW
from serving import logs
from serving.agent.shadow.metrics import ShadowMetrics
from serving.errors import RequestError
from serving.models.model import Model
from serving.prediction_log.records import Prediction
from serving.protocol.tensors import ANY, Array, TensorReader

_CHUNK_ROWS = 256
_NUMBERS = "iuf"

Arrays = dict[str, Array]
Input = tuple[Prediction, Arrays]
"""A record, and its inputs as the shadow takes them."""


class ShadowScorer:
    """Scores records with the model that the shadow's slot has right now."""

    def __init__(
        self, model: Callable[[], Model | None], metrics: ShadowMetrics, seconds: float
    ) -> None:
        """Take the model from `model` for each batch, and at most `seconds` for its scoring."""
        self._model = model
        self._metrics = metrics
        self._seconds = seconds

    def skip(self, count: int) -> None:
        """Count records that are not scored, if there is a shadow at all."""
        if self._model() is not None:
            self._metrics.skipped.inc(count)

    def score(self, records: list[Prediction]) -> list[Prediction]:
        """The shadow's own records, under the ids and times of those it could score."""
        model = self._model()
        if model is None:
            return []
        deadline = time.monotonic() + self._seconds
        scored: list[Prediction] = []
        for chunk in _chunks(records):
            if time.monotonic() < deadline:
                scored += self._chunk(model, chunk)
        self._metrics.predictions.inc(len(scored))
        self._metrics.skipped.inc(len(records) - len(scored))
        return scored

    def _chunk(self, model: Model, records: list[Prediction]) -> list[Prediction]:
        inputs = [(r, arrays) for r in records if (arrays := _arrays(model, r)) is not None]
        try:
            return self._run(model, inputs)
        except RequestError:
            # One record's values are at fault; scored singly, the others get through.
            return self._singly(model, inputs)

    def _singly(self, model: Model, inputs: list[Input]) -> list[Prediction]:
        scored: list[Prediction] = []
        for record, arrays in inputs:
            try:
                scored += self._run(model, [(record, arrays)])
            except RequestError as error:
                logs.warning("shadow_cannot_score", id=record.id, error=str(error))
        return scored

    def _run(self, model: Model, inputs: list[Input]) -> list[Prediction]:
        """Score records; many at once where each input's first dimension is the rows."""
        if not inputs:
            return []
        if len(inputs) > 1 and not _stackable(model, inputs):
            return self._singly(model, inputs)
        names = list(model.readers)
        stacked = {name: np.concatenate([arrays[name] for _, arrays in inputs]) for name in names}
        begin = time.perf_counter()
        results = model.run(model.output_names, stacked)
        rows = sum(record.rows for record, _ in inputs)
        seconds = (time.perf_counter() - begin) / max(rows, 1)
        return list(self._records(model, inputs, results, seconds))

    def _records(
        self,
        model: Model,
        inputs: list[Input],
        results: Sequence[Array],
        seconds: float,
    ) -> Iterator[Prediction]:
        at = 0
        for record, _ in inputs:
            own = results if len(inputs) == 1 else [r[at : at + record.rows] for r in results]
            at += record.rows
            outputs = dict(zip(model.output_names, own, strict=True))
            self._compare(record, outputs)
            yield Prediction(
                id=record.id,
                time=record.time,
                model=model.name,
                version=model.version,
                digest=model.digest,
                slot=SHADOW,
                seconds=seconds * record.rows,
                rows=record.rows,
                inputs=record.inputs,
                outputs={name: array.ravel().tolist() for name, array in outputs.items()},
                key=record.key,
                trace=record.trace,
            )

    def _compare(self, record: Prediction, outputs: Arrays) -> None:
        for name, array in outputs.items():
            answered = record.outputs.get(name)
            if answered is None or array.dtype.kind not in _NUMBERS:
                continue
            for distance in _distances(answered, array):
                self._metrics.difference.observe(distance)


def _chunks(records: list[Prediction]) -> Iterator[list[Prediction]]:
    """Records in their order, in pieces of about as many rows as score well at once."""
    piece: list[Prediction] = []
    rows = 0
    for record in records:
        piece.append(record)
        rows += record.rows
        if rows >= _CHUNK_ROWS:
            yield piece
            piece, rows = [], 0
    if piece:
        yield piece


def _stackable(model: Model, inputs: list[Input]) -> bool:
    """Whether records can be scored together: rows first everywhere, and else of one shape."""
    specs = [*model.signature.inputs, *model.signature.outputs]
    if any(spec.shape[:1] != (ANY,) for spec in specs):
        return False
    return all(
        len({arrays[name].shape[1:] for _, arrays in inputs}) == 1
        and all(len(arrays[name]) == record.rows for record, arrays in inputs)
        for name in model.readers
    )


def _arrays(model: Model, record: Prediction) -> Arrays | None:
    """The record's inputs as the model takes them, or None where they do not fit it."""
    if record.inputs.keys() != model.readers.keys():
        return None
    try:
        return {
            name: _array(reader, record.inputs[name], record.rows)
            for name, reader in model.readers.items()
        }
    except (RequestError, ValueError):
        return None


def _array(reader: TensorReader, values: list[Any], rows: int) -> Array:
    """A column as the shadow's input takes it; `rows` of it belong together.

    Raises:
        RequestError: the values are not the input's.
        ValueError: they have no shape of it.
    """
    first, *inner = reader.shape or (1,)
    whole = np.empty(len(values) if reader.counts else len(values) // rows, np.bool_)
    shape = list(whole.reshape(rows if first == ANY else first, *inner).shape)
    with np.errstate(over="raise"):
        return reader.array(reader.elements(values[: len(whole)], shape), shape)


def _distances(answered: list[Any], array: Array) -> list[float]:
    """How far two outputs of one form are apart, element by element, where both are numbers."""
    try:
        other: np.ndarray[Any, Any] = np.array(answered, dtype=np.float64)
    except (ValueError, TypeError):
        return []
    own = array.ravel().astype(np.float64)
    if other.shape != own.shape:
        return []
    distances = np.abs(own - other)
    finite: list[float] = distances[np.isfinite(distances)].tolist()
    return finite
