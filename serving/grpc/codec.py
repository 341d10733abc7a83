"""Infer messages of gRPC to the server's own requests, and its responses to messages.

Owns both directions. What a request means is decided by `engine`.
"""

from typing import Any

import msgspec

from serving.errors import RequestError
from serving.grpc import contents
from serving.grpc.messages import ModelInferResponse
from serving.inference.response import InferResponse, Output
from serving.protocol.messages import ID_LENGTH, InferRequest, InputTensor, RequestedOutput
from serving.protocol.raw import write_raw

_CHOICE = "parameter_choice"
_INT64_BEYOND = 2**63
_UINT64_BEYOND = 2**64


def read(message: Any) -> InferRequest:
    """The request of a `ModelInferRequest`.

    Raises:
        RequestError: 400, when raw contents are not one an input, stand beside typed ones, a
            dimension is negative, or the id is too long; or as `contents.read`.
    """
    if len(message.id) > ID_LENGTH:
        raise RequestError(400, f"the id has {len(message.id)} characters; it may have {ID_LENGTH}")
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise RequestError(
            400,
            f"raw_input_contents has {len(raw)} entries for {len(message.inputs)} inputs; each "
            "input has one, or none has",
        )
    inputs = [
        _input(tensor, raw[place] if raw else None) for place, tensor in enumerate(message.inputs)
    ]
    outputs = [
        RequestedOutput(output.name, _parameters(output.parameters)) for output in message.outputs
    ]
    return InferRequest(
        inputs, message.id or None, _parameters(message.parameters), outputs or None
    )


def _input(tensor: Any, raw: bytes | None) -> InputTensor:
    name, shape = tensor.name, list(tensor.shape)
    if any(size < 0 for size in shape):
        raise RequestError(400, f"input {name!r} has the shape {shape}; no dimension is negative")
    if raw is None:
        data: Any = contents.read(name, tensor.datatype, tensor.contents)
    elif tensor.HasField("contents"):
        raise RequestError(400, f"input {name!r} has contents beside raw_input_contents")
    else:
        data = raw
    return InputTensor(name, shape, tensor.datatype, data, _parameters(tensor.parameters))


def _parameters(entries: Any) -> dict[str, Any] | None:
    parameters = {}
    for name, value in entries.items():
        choice = value.WhichOneof(_CHOICE)
        parameters[name] = None if choice is None else getattr(value, choice)
    return parameters or None


def write(response: InferResponse, *, raw: bool) -> Any:
    """The `ModelInferResponse` of a response.

    Args:
        response: from the engine.
        raw: whether the request's tensors were raw, so that the response's are too.
    """
    model = response.model
    message = ModelInferResponse(model_name=model.name, model_version=model.version, id=response.id)
    for name, value in response.parameters.items():
        _set(message.parameters[name], value)
    # Raw is all or nothing, and some datatypes have no typed contents.
    raw = raw or not all(contents.has_field(output.datatype.name) for output in response.outputs)
    for output in response.outputs:
        tensor = _write_output(message, output, raw=raw)
        for name, value in response.parameters_of(output).items():
            _set(tensor.parameters[name], value)
    return message


def _write_output(message: Any, output: Output, *, raw: bool) -> Any:
    tensor = message.outputs.add(
        name=output.name, datatype=output.datatype.name, shape=output.array.shape
    )
    if raw:
        message.raw_output_contents.append(write_raw(output.datatype, output.array))
    else:
        contents.write(output.datatype.name, output.values, tensor.contents)
    return tensor


def _set(parameter: Any, value: Any) -> None:
    """A response's parameter; what is neither text, number nor truth value becomes JSON."""
    match value:
        case bool():
            parameter.bool_param = value
        case int() if -_INT64_BEYOND <= value < _INT64_BEYOND:
            parameter.int64_param = value
        case int() if 0 <= value < _UINT64_BEYOND:
            parameter.uint64_param = value
        case float():
            parameter.double_param = value
        case str():
            parameter.string_param = value
        case _:
            parameter.string_param = msgspec.json.encode(value).decode()
