"""Tensor data as plain bytes: row-major, little-endian; texts each behind their length.

Owns this form alone, which the binary extension over HTTP and the raw contents over gRPC share.
Names and a model's signature are the business of `tensors`.

Source: https://github.com/triton-inference-server/server (protocol/extension_binary_data.md).
BF16 is no datatype here (see `datatypes`): numpy has none, and a model that asks for it is refused.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.protocol.datatypes import Datatype

_LENGTH = Struct("<I")
_TEXT = "BYTES"


def read_raw(datatype: Datatype, shape: Sequence[int], data: bytes | memoryview) -> NDArray[Any]:
    """The bytes as an array of the datatype and the shape.

    Numbers are not copied where they are aligned: the array is a read-only view of `data`.

    Raises:
        ValueError: the bytes are more or fewer than the shape takes, a truth value is neither 0
            nor 1, or a text is not UTF-8; one line, to stand behind the tensor's name.
    """
    view = memoryview(data)
    count = math.prod(shape)
    if datatype.name == _TEXT:
        texts = _texts(view, count)
        array = np.empty(count, np.object_)
        array[:] = texts
    else:
        array = _numbers(view, count, datatype.numpy)
    return array.reshape(shape)


def read_values(datatype: Datatype, count: int, data: bytes | memoryview) -> list[Any]:
    """The same elements as a flat list: cheaper than an array, where they are few.

    Raises:
        ValueError: as `read_raw`.
    """
    view = memoryview(data)
    if datatype.name == _TEXT:
        return _texts(view, count)
    _check_length(view, count, datatype.numpy.itemsize)
    if datatype.numpy.kind == "b":
        _check_truths(view)
    return list(_struct(count, _FORMATS[datatype.name]).unpack(view))


_FORMATS = {
    "BOOL": "?",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}


@lru_cache(4096)
def _struct(count: int, code: str) -> Struct:
    return Struct(f"<{count}{code}")


def _check_length(view: memoryview, count: int, size: int) -> None:
    if len(view) != count * size:
        raise ValueError(f"{len(view)} bytes, where its shape takes {count} times {size}")


def _check_truths(view: memoryview) -> None:
    if np.frombuffer(view, np.uint8).max(initial=0) > 1:
        raise ValueError("a truth value is the byte 0 or 1")


def _numbers(view: memoryview, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    _check_length(view, count, dtype.itemsize)
    array = np.frombuffer(view, dtype.newbyteorder("<")).astype(dtype, copy=False)
    if dtype.kind == "b":
        _check_truths(view)
    # onnxruntime reads the memory as it is, and a view behind a JSON header starts anywhere.
    return array if array.flags.aligned else array.copy()


def _texts(view: memoryview, count: int) -> list[str]:
    if count * _LENGTH.size > len(view):
        raise ValueError(f"{len(view)} bytes, where its shape takes {count} texts")
    texts = []
    at = 0
    for index in range(count):
        at, text = _text(view, at, index)
        texts.append(text)
    if at != len(view):
        raise ValueError(f"{len(view) - at} bytes are left behind its {count} texts")
    return texts


def _text(view: memoryview, at: int, index: int) -> tuple[int, str]:
    begin = at + _LENGTH.size
    end = begin + _LENGTH.unpack_from(view, at)[0] if begin <= len(view) else begin
    if end > len(view):
        raise ValueError(f"text {index} ends beyond the data")
    try:
        return end, str(view[begin:end], "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"text {index} is not UTF-8") from error


def write_raw(datatype: Datatype, array: NDArray[Any]) -> bytes:
    """The array's elements as bytes; `read_raw` gives it back."""
    if datatype.name == _TEXT:
        return b"".join(_framed(str(text).encode()) for text in array.ravel().tolist())
    return array.astype(datatype.numpy.newbyteorder("<"), copy=False).tobytes()


def _framed(text: bytes) -> bytes:
    return _LENGTH.pack(len(text)) + text
