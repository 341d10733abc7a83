"""The protocol's tensor datatypes: how each is written in JSON, in numpy and in onnxruntime.

Owns the table and the JSON-to-Python step, which checks types and integer bounds. Shapes are the
business of `tensors`.
"""

from dataclasses import dataclass
from types import GenericAlias
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta


def decoder(element: Any, depth: int) -> "msgspec.json.Decoder[list[Any]]":
    """A strict JSON decoder for lists of `element`, nested `depth` deep (1 is flat)."""
    nested = element
    for _ in range(depth):
        nested = GenericAlias(list, (nested,))
    return msgspec.json.Decoder(nested)


@dataclass(frozen=True, slots=True, eq=False)
class Datatype:
    """One datatype.

    Attributes:
        name: as the Open Inference Protocol writes it.
        onnx: as onnxruntime writes it.
        numpy: the array's element type.
        element: what one JSON element must be, as msgspec takes it.
        flat: decoder of a flat list of elements.
    """

    name: str
    onnx: str
    numpy: np.dtype[Any]
    element: Any
    flat: "msgspec.json.Decoder[list[Any]]"


def _datatype(name: str, onnx: str, dtype: type[Any], element: Any) -> Datatype:
    return Datatype(name, f"tensor({onnx})", np.dtype(dtype), element, decoder(element, 1))


# JSON has no NaN, so a missing number is a null.
_FLOAT = float | None
# numpy guards the upper bound of the 64-bit integers: msgspec's bounds are themselves 64-bit.
_NATURAL = Annotated[int, Meta(ge=0)]


def _integer(dtype: type[Any]) -> Any:
    bounds = np.iinfo(dtype)
    return Annotated[int, Meta(ge=int(bounds.min), le=int(bounds.max))]


_ALL = (
    _datatype("BOOL", "bool", np.bool_, bool),
    _datatype("INT8", "int8", np.int8, _integer(np.int8)),
    _datatype("INT16", "int16", np.int16, _integer(np.int16)),
    _datatype("INT32", "int32", np.int32, _integer(np.int32)),
    _datatype("INT64", "int64", np.int64, int),
    _datatype("UINT8", "uint8", np.uint8, _integer(np.uint8)),
    _datatype("UINT16", "uint16", np.uint16, _integer(np.uint16)),
    _datatype("UINT32", "uint32", np.uint32, _integer(np.uint32)),
    _datatype("UINT64", "uint64", np.uint64, _NATURAL),
    _datatype("FP16", "float16", np.float16, _FLOAT),
    _datatype("FP32", "float", np.float32, _FLOAT),
    _datatype("FP64", "double", np.float64, _FLOAT),
    _datatype("BYTES", "string", np.object_, str),
)

BY_NAME = {datatype.name: datatype for datatype in _ALL}
BY_ONNX = {datatype.onnx: datatype for datatype in _ALL}
