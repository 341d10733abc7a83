"""Tensors' typed contents over gRPC: the field that holds each datatype's elements.

Owns the table. 16-bit floating-point numbers have no field; they are sent raw.
"""

from typing import Any

from serving.errors import RequestError
from serving.protocol.datatypes import BY_NAME

_FIELDS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_TEXT = "BYTES"


def has_field(datatype: str) -> bool:
    """Whether typed contents can hold elements of that datatype."""
    return datatype in _FIELDS


def read(name: str, datatype: str, contents: Any) -> list[Any]:
    """The elements of an input's typed contents.

    Args:
        name: the input's, for messages.
        datatype: as the request says.
        contents: its `InferTensorContents`.

    Raises:
        RequestError: 400, when they are in another field than the datatype's, or the datatype has
            none; 422, when a text is not UTF-8.
    """
    expected = _FIELDS.get(datatype)
    if expected is None:
        if datatype in BY_NAME:
            raise RequestError(400, f"input {name!r}: {datatype} goes into raw_input_contents")
        # Its datatype is not the model's, which is refused where that is known.
        return []
    present = [field.name for field, _ in contents.ListFields()]
    if any(field != expected for field in present):
        raise RequestError(
            400, f"contents of input {name!r} are in {present}; {datatype} goes into {expected}"
        )
    elements = list(getattr(contents, expected))
    return _texts(name, elements) if datatype == _TEXT else elements


def _texts(name: str, elements: list[bytes]) -> list[str]:
    try:
        return [element.decode() for element in elements]
    except UnicodeDecodeError as error:
        raise RequestError(422, f"data of input {name!r}: a text is not UTF-8") from error


def write(datatype: str, elements: list[Any], contents: Any) -> None:
    """Put an output's flat elements into its `InferTensorContents`."""
    if datatype == _TEXT:
        elements = [str(element).encode() for element in elements]
    getattr(contents, _FIELDS[datatype]).extend(elements)
