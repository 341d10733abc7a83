"""Infer requests and responses as HTTP bodies: JSON, with tensors' bytes behind it or without.

Owns the choice of form. The forms themselves are the business of `protocol`, `rows`, `binary` and
`compression`; headers and statuses that of `app`.
"""

from typing import Any

from msgspec import UNSET, UnsetType

from serving.http import binary, compression
from serving.inference.response import InferResponse
from serving.protocol import messages
from serving.protocol.messages import InferRequest, OutputTensor, RowsResponse, TensorsResponse
from serving.protocol.raw import write_raw
from serving.protocol.rows import to_predictions

Pairs = list[tuple[str, str]]

_JSON = ("content-type", "application/json")


def plain(body: bytes, encoding: str | None, limit: int) -> bytes:
    """The body without its `content-encoding`, of at most `limit` bytes.

    Raises:
        RequestError: as `compression.decompress`.
    """
    if encoding is None or not compression.is_compressed(encoding):
        return body
    return compression.decompress(body, encoding, limit)


def decode(body: bytes, length: str | None) -> InferRequest:
    """The request of a plain body.

    Args:
        body: the whole of it.
        length: what its `inference-header-content-length` says, if there is one.

    Raises:
        RequestError: 400, as `protocol.decode_request`, `binary.split` and `binary.attach`.
    """
    if length is None:
        return messages.decode_request(body)
    head, tail = binary.split(body, length)
    return binary.attach(messages.decode_request(head), tail)


def encode(
    request: InferRequest, response: InferResponse, accept: str | None
) -> tuple[bytes, Pairs]:
    """The body of a response, and the headers that say what it is.

    Args:
        request: the request, which decides the form.
        response: the response to it.
        accept: the request's `accept-encoding`, if it has one.
    """
    body, headers = _rows(response) if request.rows is not UNSET else _tensors(request, response)
    packed, more = compression.compress(body, accept)
    return packed, [*headers, *more] if more else headers


def _rows(response: InferResponse) -> tuple[bytes, Pairs]:
    columns = {output.name: output.array for output in response.outputs}
    predictions = to_predictions(columns, response.rows)
    for explained in response.explanations:
        for prediction, row in zip(predictions, explained.rows(), strict=True):
            prediction.update(row)
    model, more = response.model, response.parameters or UNSET
    body = RowsResponse(model.name, model.version, response.id, predictions, more)
    return messages.encode(body), [_JSON]


def _tensors(request: InferRequest, response: InferResponse) -> tuple[bytes, Pairs]:
    tensors: list[OutputTensor] = []
    tail = []
    binaries = False
    for output in response.outputs:
        parameters, shape = response.parameters_of(output), list(output.array.shape)
        if binary.is_binary(request, output.parameters):
            binaries = True
            data = write_raw(output.datatype, output.array)
            parameters = parameters | binary.size_of(data)
            tail.append(data)
            values: list[Any] | UnsetType = UNSET
        else:
            values = output.values
        tensors.append(
            OutputTensor(output.name, output.datatype.name, shape, values, parameters or UNSET)
        )
    model, more = response.model, response.parameters or UNSET
    head = messages.encode(TensorsResponse(model.name, model.version, response.id, tensors, more))
    return binary.join(head, tail) if binaries else (head, [_JSON])
