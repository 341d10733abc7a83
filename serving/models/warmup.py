"""The warm-up that a model passes before it takes traffic.

Owns scoring the signature's example on the path of real requests, and the background rows where the
model has some, and checking the outputs.
"""

import numpy as np

from serving.config import Limits
from serving.errors import ModelRefusedError, Reason, RequestError
from serving.models.model import Model
from serving.models.scoring import read, score
from serving.models.signature import TensorSpec
from serving.protocol.messages import InferRequest, InputTensor
from serving.protocol.tensors import Array, fits

_ROUNDS = 3
"""The first runs allocate onnxruntime's arenas; callers should not pay for that."""


def example_request(model: Model) -> InferRequest:
    """The signature's example as a request of one row."""
    return InferRequest([_tensor(spec, model) for spec in model.signature.inputs])


def _tensor(spec: TensorSpec, model: Model) -> InputTensor:
    value = model.signature.example[spec.name]
    data = value if isinstance(value, list) else [value]
    shape = [max(size, 1) for size in spec.shape]
    return InputTensor(spec.name, shape, spec.datatype, data)


def warm_up(model: Model) -> None:
    """Score the example a few times, then the background rows; check outputs by the signature.

    Raises:
        ModelRefusedError: example or background cannot be scored, or an output has another shape
            or datatype than the signature says, or is not finite.
    """
    request = example_request(model)
    try:
        for _ in range(_ROUNDS):
            results = score(read(model, request, Limits()))
    except RequestError as error:
        raise ModelRefusedError(Reason.WARMUP, f"the example: {error}") from error
    _check_outputs(model, results, "the example")
    if model.background is not None:
        _check_outputs(model, _score_background(model, model.background), "the background")


def _score_background(model: Model, rows: dict[str, Array]) -> dict[str, Array]:
    try:
        return dict(zip(model.output_names, model.run(model.output_names, rows), strict=True))
    except RequestError as error:
        raise ModelRefusedError(Reason.WARMUP, f"the background: {error}") from error


def _check_outputs(model: Model, results: dict[str, Array], rows: str) -> None:
    for spec in model.signature.outputs:
        _check_output(spec, results[spec.name], rows)


def _check_output(spec: TensorSpec, output: Array, rows: str) -> None:
    if not fits(output.shape, spec.shape):
        raise ModelRefusedError(
            Reason.WARMUP,
            f"output {spec.name!r} of {rows} has the shape {list(output.shape)}, the "
            f"signature says {list(spec.shape)}",
        )
    if output.dtype.kind == "f" and not np.isfinite(output).all():
        raise ModelRefusedError(
            Reason.WARMUP, f"output {spec.name!r} of {rows} is not a finite number"
        )
