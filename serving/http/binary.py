"""The binary tensor data extension over HTTP: tensors' bytes behind the JSON of a body.

Owns taking a request apart and putting a response together. What the bytes of one tensor are is the
business of `raw`; whether they fit the model, of `tensors`.

Source: https://github.com/triton-inference-server/server (protocol/extension_binary_data.md).
"""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, structs

from serving.errors import RequestError
from serving.protocol.messages import InferRequest, InputTensor

HEADER = "inference-header-content-length"
"""The header that says how long the JSON is, in requests and responses."""

_SIZE = "binary_data_size"
_LONGEST_LENGTH = 19


def split(body: bytes, length: str) -> tuple[memoryview, memoryview]:
    """The JSON of a body, and the tensors' bytes behind it.

    Args:
        body: the whole body.
        length: what the header says.

    Raises:
        RequestError: 400, when the header is no length, or a longer one than the body's.
    """
    digits = length.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_LENGTH):
        raise RequestError(400, f"{HEADER} is {length[:32]!r}, not a number of bytes")
    size = int(digits)
    if size > len(body):
        raise RequestError(400, f"{HEADER} says {size} bytes, the body has {len(body)}")
    view = memoryview(body)
    return view[:size], view[size:]


def attach(request: InferRequest, tail: memoryview) -> InferRequest:
    """The request with the bytes behind its JSON as the data of the inputs they belong to.

    Raises:
        RequestError: 400, when an input's `binary_data_size` is no size, stands beside `data`, or
            the sizes do not add up to what there is.
    """
    if request.inputs is UNSET:
        tensors: list[InputTensor] = []
    else:
        tensors = request.inputs
    inputs, at = [], 0
    for tensor in tensors:
        size = _size(tensor)
        if size is None:
            inputs.append(tensor)
        else:
            inputs.append(structs.replace(tensor, data=tail[at : at + size]))
            at += size
    if at != len(tail):
        raise RequestError(
            400, f"the inputs' {_SIZE} add up to {at}, behind the JSON are {len(tail)} bytes"
        )
    return structs.replace(request, inputs=inputs) if tensors else request


def _size(tensor: InputTensor) -> int | None:
    size = (tensor.parameters or {}).get(_SIZE)
    if size is None:
        return None
    if type(size) is not int or size < 0:
        raise RequestError(400, f"{_SIZE} of input {tensor.name!r} is not a number of bytes")
    if tensor.data is not UNSET:
        raise RequestError(400, f"input {tensor.name!r} has `data` and {_SIZE}; one is meant")
    return size


def is_binary(request: InferRequest, parameters: dict[str, Any] | None) -> bool:
    """Whether the request wants an output as bytes.

    Args:
        request: its `binary_data_output` counts where the output says nothing.
        parameters: the requested output's own; its `binary_data` counts first.
    """
    own = (parameters or {}).get("binary_data")
    if own is None:
        own = (request.parameters or {}).get("binary_data_output")
    return own is True


def size_of(data: bytes) -> dict[str, Any]:
    """The parameter of an output whose bytes stand behind the JSON."""
    return {_SIZE: len(data)}


def join(head: bytes, tensors: Sequence[bytes]) -> tuple[bytes, list[tuple[str, str]]]:
    """A body of JSON and tensors' bytes in the order of the outputs, and its headers."""
    headers = [("content-type", "application/octet-stream"), (HEADER, str(len(head)))]
    return b"".join((head, *tensors)), headers
