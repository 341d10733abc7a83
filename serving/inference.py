"""Scoring one request with one model.

Owns the step from a decoded request to a response. Which model it is, and how the request came,
is decided by the caller.
"""

from msgspec import UNSET

from serving.config import Limits
from serving.model import Model
from serving.protocol import InferRequest, InferResponse
from serving.tensors import Array, read_inputs, rows_of, unfit, write_output


def infer(model: Model, request: InferRequest, limits: Limits) -> tuple[InferResponse, int]:
    """Score a request.

    Returns:
        The response, and the number of rows that were scored.

    Raises:
        RequestError: 422, when the request does not fit the model's signature or the limits, or
            its values cannot be scored (see `Model.run`).
    """
    arrays = read_inputs(request.inputs, model.readers)
    rows = rows_of(arrays, model.readers, limits.max_rows)
    names = _wanted(model, request)
    results = model.run(names, arrays)
    return _response(model, request, names, results), rows


def _wanted(model: Model, request: InferRequest) -> list[str]:
    if not request.outputs:
        return model.output_names
    names = [output.name for output in request.outputs]
    if unknown := [name for name in names if name not in model.outputs]:
        raise unfit(f"unknown outputs {unknown}; the model has {model.output_names}")
    if len(set(names)) != len(names):
        raise unfit("an output is asked for twice")
    return names


def _response(
    model: Model, request: InferRequest, names: list[str], results: list[Array]
) -> InferResponse:
    outputs = [
        write_output(name, model.outputs[name], result)
        for name, result in zip(names, results, strict=True)
    ]
    return InferResponse(
        model.name, model.version, outputs, UNSET if request.id is None else request.id
    )
