"""Scoring: requests that were read, singly or in batches of one run of the graph.

Owns the step from a request's tensors to output arrays. The model, the batches and the transport
are the caller's choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec import UNSET

from serving.config import Limits
from serving.errors import Refusal, RequestError
from serving.models.model import Model
from serving.protocol.messages import InferRequest
from serving.protocol.tensors import Array, Values, array_of, mismatch, read_inputs, unprocessable

Results = dict[str, Array]
"""Output arrays by name."""

_MAX_BATCHABLE_ROWS = 64
"""Rows of a request beyond which batching it with others gains nothing."""


@dataclass(slots=True, eq=False)
class Job:
    """A request that fits its model.

    Attributes:
        model: the model that scores it.
        values: each input's values, by name.
        shapes: each input's shape, by name.
        rows: the number of rows.
        output_names: names of the requested outputs, in order.
        plain: whether all values are lists.
    """

    model: Model
    values: dict[str, Values]
    shapes: dict[str, list[int]]
    rows: int
    output_names: list[str]
    plain: bool = field(init=False)

    def __post_init__(self) -> None:
        self.plain = list(map(type, self.values.values())).count(list) == len(self.values)

    @property
    def batchable(self) -> bool:
        """Whether it may be scored in a batch."""
        return self.model.batchable and self.rows <= _MAX_BATCHABLE_ROWS and self.plain


def read(model: Model, request: InferRequest, limits: Limits) -> Job:
    """Check a request against the model's signature and the limits.

    Raises:
        RequestError: 422, when it does not fit; 400, when it has neither inputs nor rows, or both.
    """
    if request.rows is UNSET:
        if request.inputs is UNSET:
            raise RequestError(400, "the body has neither `inputs` nor `rows`")
        values, shapes, rows = read_inputs(request.inputs, model.readers)
        if not 1 <= rows <= limits.max_rows:
            message = f"a request has 1 to {limits.max_rows} rows, this one has {rows}"
            raise unprocessable(message, Refusal.LIMIT)
    elif request.inputs is UNSET:
        if model.rows is None:
            raise unprocessable(
                "the model's inputs have no fixed form a row; send `inputs` instead"
            )
        values, shapes, rows = model.rows.read(request.rows, limits.max_rows)
    else:
        raise RequestError(400, "the body has `inputs` and `rows`; one of them is meant")
    return Job(model, values, shapes, rows, _output_names(model, request))


def _output_names(model: Model, request: InferRequest) -> list[str]:
    if not request.outputs:
        return model.output_names
    names = [output.name for output in request.outputs]
    if unknown := [name for name in names if name not in model.outputs]:
        raise mismatch(f"unknown outputs {unknown}; the model has {model.output_names}")
    if len(set(names)) != len(names):
        raise unprocessable("an output is asked for twice")
    return names


def score(job: Job) -> Results:
    """Score one job.

    Raises:
        RequestError: 422, when its values cannot be scored (see `Model.run`).
    """
    return dict(zip(job.output_names, job.model.run(job.output_names, arrays_of(job)), strict=True))


def arrays_of(job: Job) -> dict[str, Array]:
    """The job's input arrays, by name.

    Raises:
        RequestError: 422, for a number beyond its datatype; names the input.
    """
    with np.errstate(over="raise"):
        if job.model.blocks and job.plain:
            try:
                return _blocks([job], job.rows)
            except (OverflowError, FloatingPointError):
                pass  # below, the input at fault is named
        return {
            name: job.model.readers[name].array(values, job.shapes[name])
            for name, values in job.values.items()
        }


def score_batch(jobs: Sequence[Job]) -> list[Results]:
    """Score batchable jobs of one model in one run; results in their order.

    Raises:
        RequestError: 422, when one of them cannot be scored, whichever it is.
        OverflowError, FloatingPointError: one has a number beyond its datatype.
    """
    model = jobs[0].model
    with np.errstate(over="raise"):
        arrays = _blocks(jobs, sum(job.rows for job in jobs))
    outputs = dict(zip(model.output_names, model.run(model.output_names, arrays), strict=True))
    results, begin = [], 0
    for job in jobs:
        end = begin + job.rows
        results.append({name: outputs[name][begin:end] for name in job.output_names})
        begin = end
    return results


def _blocks(jobs: Sequence[Job], rows: int) -> dict[str, Array]:
    """Input arrays of plain jobs, one below the other.

    Inputs of one datatype and form are made as one array, of which each is a part: numpy's price is
    a call's, not an element's.
    """
    arrays: dict[str, Array] = {}
    for block in jobs[0].model.blocks:
        values: list[Any] = []
        for name in block.names:
            for job in jobs:
                values += job.values[name]
        shape = (len(block.names), rows, *block.inner)
        whole = array_of(values, block.datatype).reshape(shape)
        arrays.update(zip(block.names, whole, strict=True))
    return arrays
