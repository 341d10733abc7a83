"""The messages of the Open Inference Protocol v2 over HTTP/JSON, as msgspec structs.

Owns their form only. Whether elements fit the model's signature is the business of `tensors`.

Source: https://kserve.github.io/website/latest/reference/api/ (Open Inference Protocol).
Fields the protocol does not know are let through, as its extensions add some.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from serving.errors import RequestError

ID_LENGTH: Final = 256
"""Characters that a request's id may have, so that each can be labelled by it."""

Dimension = Annotated[int, Meta(ge=0)]


class InputTensor(Struct, frozen=True, gc=False):
    """One input.

    Attributes:
        name: the input's name.
        shape: its dimensions.
        datatype: the protocol's name of it.
        data: a list, row-major, flat or nested as `shape` says; or the elements' own bytes, as the
            binary extension and gRPC have them. Missing where a transport has yet to fill it in.
        parameters: the caller's.
    """

    name: str
    shape: list[Dimension]
    datatype: str
    data: Any = UNSET
    parameters: dict[str, Any] | None = None


class RequestedOutput(Struct, frozen=True):
    """A requested output, by name."""

    name: str
    parameters: dict[str, Any] | None = None


class InferRequest(Struct, frozen=True):
    """The body of an infer request. Without `outputs` all of the model's are wanted.

    Attributes:
        inputs: the tensors.
        rows: in their place, rows of named values, as people think of them.
        id: the caller's name for the request.
        parameters: the caller's.
        outputs: the requested outputs.
    """

    inputs: list[InputTensor] | UnsetType = UNSET
    id: Annotated[str, Meta(max_length=ID_LENGTH)] | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[RequestedOutput] | None = None
    rows: msgspec.Raw | UnsetType = UNSET


class OutputTensor(Struct, frozen=True):
    """One output.

    Attributes:
        name: the output's name.
        datatype: its datatype.
        shape: its dimensions.
        data: flat, row-major; NaN and infinities are written as null. Missing where the elements
            stand behind the JSON, as `binary_data_size` of the parameters says.
        parameters: the output's own.
    """

    name: str
    datatype: str
    shape: list[int]
    data: list[Any] | UnsetType = UNSET
    parameters: dict[str, Any] | UnsetType = UNSET


class TensorsResponse(Struct, frozen=True):
    """The body of an infer response in tensors."""

    model_name: str
    model_version: str
    id: str
    outputs: list[OutputTensor]
    parameters: dict[str, Any] | UnsetType = UNSET


class RowsResponse(Struct, frozen=True):
    """The body of an infer response in rows of named values, one for each of the request's."""

    model_name: str
    model_version: str
    id: str
    predictions: list[dict[str, Any]]
    parameters: dict[str, Any] | UnsetType = UNSET


_DECODER = msgspec.json.Decoder(InferRequest)
_ENCODER = msgspec.json.Encoder()

encode = _ENCODER.encode


def error_body(message: str) -> bytes:
    """The protocol's error object."""
    return encode({"error": message})


def decode_request(body: bytes | memoryview) -> InferRequest:
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
