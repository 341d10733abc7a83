"""Scoring: requests that were read, alone or several in one run of the graph.

Owns the step from a request's tensors to output arrays. Which model it is, when requests are put
together, and how they came, is decided by the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import UNSET

from serving.config import Limits
from serving.errors import RequestError
from serving.model import Model
from serving.protocol import InferRequest, InputTensor
from serving.rows import to_inputs
from serving.tensors import Array, Values, read_inputs, unfit

Results = dict[str, Array]
"""Output arrays by name."""

_MOST_JOINED = 64
"""Rows of a request beyond which it gains nothing from being put together with others."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A request that fits its model.

    Attributes:
        model: which scores it.
        given: its inputs.
        values: each input's values, by name.
        rows: how many.
        wanted: names of the outputs that the caller wants, in order.
    """

    model: Model
    given: Sequence[InputTensor]
    values: dict[str, Values]
    rows: int
    wanted: list[str]

    @property
    def joins(self) -> bool:
        """Whether it may be scored together with others."""
        return self.model.joins and self.rows <= _MOST_JOINED


def read(model: Model, request: InferRequest, limits: Limits) -> Job:
    """Hold a request against the model's signature and the limits.

    Raises:
        RequestError: 422, when it does not fit; 400, when it has neither inputs nor rows, or both.
    """
    given = _inputs(model, request, limits)
    values, rows = read_inputs(given, model.readers, limits.max_rows)
    return Job(model, given, values, rows, _wanted(model, request))


def _inputs(model: Model, request: InferRequest, limits: Limits) -> list[InputTensor]:
    if request.rows is UNSET:
        if request.inputs is UNSET:
            raise RequestError(400, "the body has neither `inputs` nor `rows`")
        return request.inputs
    if request.inputs is not UNSET:
        raise RequestError(400, "the body has `inputs` and `rows`; one of them is meant")
    if not 1 <= len(request.rows) <= limits.max_rows:
        count = len(request.rows)
        raise unfit(f"a request has 1 to {limits.max_rows} rows, this one has {count}")
    return to_inputs(model, request.rows)


def _wanted(model: Model, request: InferRequest) -> list[str]:
    if not request.outputs:
        return model.output_names
    names = [output.name for output in request.outputs]
    if unknown := [name for name in names if name not in model.outputs]:
        raise unfit(f"unknown outputs {unknown}; the model has {model.output_names}")
    if len(set(names)) != len(names):
        raise unfit("an output is asked for twice")
    return names


def arrays_of(job: Job) -> dict[str, Array]:
    """The job's input arrays by name.

    Raises:
        RequestError: 422, for a number beyond its datatype.
    """
    with np.errstate(over="raise"):
        return {
            tensor.name: job.model.readers[tensor.name].array(job.values[tensor.name], tensor.shape)
            for tensor in job.given
        }


def alone(job: Job) -> Results:
    """Score one job.

    Raises:
        RequestError: 422, when its values cannot be scored (see `Model.run`).
    """
    return dict(zip(job.wanted, job.model.run(job.wanted, arrays_of(job)), strict=True))


def together(jobs: Sequence[Job]) -> list[Results]:
    """Score jobs of one model that all may be joined, in one run; results in their order.

    Raises:
        RequestError: 422, when one of them cannot be scored; which one is not said.
    """
    model = jobs[0].model
    total = sum(job.rows for job in jobs)
    with np.errstate(over="raise"):
        arrays = {
            name: reader.join([job.values[name] for job in jobs], total)
            for name, reader in model.readers.items()
        }
    outputs = dict(zip(model.output_names, model.run(model.output_names, arrays), strict=True))
    results, begin = [], 0
    for job in jobs:
        end = begin + job.rows
        results.append({name: outputs[name][begin:end] for name in job.wanted})
        begin = end
    return results
