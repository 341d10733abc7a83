"""The protocol's tensor datatypes, and their names in JSON, numpy and onnxruntime.

Owns the table. Reading elements and shapes is the business of `tensors`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Datatype:
    """One datatype.

    Attributes:
        name: as the Open Inference Protocol writes it.
        onnx: as onnxruntime writes it.
        numpy: the array's element type.
        elements: the Python types that one JSON element may have.
        words: those types in words, for messages.
    """

    name: str
    onnx: str
    numpy: np.dtype[Any]
    elements: frozenset[type]
    words: str


def _integer(name: str, dtype: type[Any]) -> Datatype:
    onnx = f"tensor({np.dtype(dtype).name})"
    return Datatype(name, onnx, np.dtype(dtype), frozenset({int}), "an integer")


# JSON has no NaN, so a missing number is a null.
_NUMBER: frozenset[type] = frozenset({float, int, type(None)})


def _float(name: str, onnx: str, dtype: type[Any]) -> Datatype:
    return Datatype(name, f"tensor({onnx})", np.dtype(dtype), _NUMBER, "a number or null")


_ALL = (
    Datatype("BOOL", "tensor(bool)", np.dtype(np.bool_), frozenset({bool}), "true or false"),
    _integer("INT8", np.int8),
    _integer("INT16", np.int16),
    _integer("INT32", np.int32),
    _integer("INT64", np.int64),
    _integer("UINT8", np.uint8),
    _integer("UINT16", np.uint16),
    _integer("UINT32", np.uint32),
    _integer("UINT64", np.uint64),
    _float("FP16", "float16", np.float16),
    _float("FP32", "float", np.float32),
    _float("FP64", "double", np.float64),
    Datatype("BYTES", "tensor(string)", np.dtype(np.object_), frozenset({str}), "a string"),
)

BY_NAME = {datatype.name: datatype for datatype in _ALL}
BY_ONNX = {datatype.onnx: datatype for datatype in _ALL}
