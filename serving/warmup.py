"""The trial that a model passes before it takes traffic.

Owns scoring the signature's example on the path real requests take, and judging the answer.
"""

import numpy as np

from serving.config import Limits
from serving.errors import ModelRefusedError, Reason, RequestError
from serving.inference import alone, read
from serving.model import Model
from serving.protocol import InferRequest, InputTensor
from serving.signature import TensorSpec
from serving.tensors import Array, fits

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
    """Score the example a few times and hold the answer against the signature.

    Raises:
        ModelRefusedError: the example cannot be scored, or an output has another shape or
            datatype than the signature says, or is not finite.
    """
    request = example_request(model)
    try:
        for _ in range(_ROUNDS):
            results = alone(read(model, request, Limits()))
    except RequestError as error:
        raise ModelRefusedError(Reason.WARMUP, f"the example: {error}") from error
    for spec in model.signature.outputs:
        _judge(spec, results[spec.name])


def _judge(spec: TensorSpec, output: Array) -> None:
    if not fits(output.shape, spec.shape):
        raise ModelRefusedError(
            Reason.WARMUP,
            f"output {spec.name!r} of the example has the shape {list(output.shape)}, the "
            f"signature says {list(spec.shape)}",
        )
    if output.dtype.kind == "f" and not np.isfinite(output).all():
        raise ModelRefusedError(
            Reason.WARMUP, f"output {spec.name!r} of the example is not a finite number"
        )
