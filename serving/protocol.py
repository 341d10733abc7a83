"""The messages of the Open Inference Protocol v2 over HTTP/JSON, as msgspec structs.

Owns their form only. Tensor data stays raw here, so that it is decoded once, straight to the type
that the model's signature asks for; that is the business of `tensors`.

Source: https://kserve.github.io/website/latest/reference/api/ (Open Inference Protocol).
Fields the protocol does not know are let through, as its extensions add some.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from serving.errors import RequestError

Dimension = Annotated[int, Meta(ge=0)]


class InputTensor(Struct, frozen=True):
    """One input: row-major `data`, flat or nested as `shape` says."""

    name: str
    shape: list[Dimension]
    datatype: str
    data: msgspec.Raw
    parameters: dict[str, Any] | None = None


class RequestedOutput(Struct, frozen=True):
    """An output that the caller wants, by name."""

    name: str
    parameters: dict[str, Any] | None = None


class InferRequest(Struct, frozen=True):
    """The body of an infer request. Without `outputs` all of the model's are wanted."""

    inputs: list[InputTensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[RequestedOutput] | None = None


class OutputTensor(Struct, frozen=True):
    """One output: flat row-major `data`; NaN and infinities are written as null."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class InferResponse(Struct, frozen=True):
    """The body of an infer answer; `id` is there when the request had one."""

    model_name: str
    model_version: str
    outputs: list[OutputTensor]
    id: str | UnsetType = UNSET


_DECODER = msgspec.json.Decoder(InferRequest)
_ENCODER = msgspec.json.Encoder()

encode = _ENCODER.encode


def error_body(message: str) -> bytes:
    """The protocol's error object."""
    return encode({"error": message})


def decode_request(body: bytes) -> InferRequest:
    """Parse an infer request's body.

    Raises:
        RequestError: 400, when the body is not JSON or not of the protocol's form.
    """
    try:
        return _DECODER.decode(body)
    except RecursionError as error:
        raise RequestError(400, "the body is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError(400, f"the body is no infer request: {error}") from error
