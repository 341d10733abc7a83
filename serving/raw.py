"""Tensor data as plain bytes: row-major, little-endian; texts each behind their length.

Owns this form alone, which the binary extension over HTTP and the raw contents over gRPC share.
Names and a model's signature are the business of `tensors`.

Source: https://github.com/triton-inference-server/server (protocol/extension_binary_data.md).
BF16 is no datatype here (see `datatypes`): numpy has none, and a model that asks for it is refused.
"""

import math
from collections.abc import Sequence
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.datatypes import Datatype

_LENGTH = Struct("<I")
_TEXT = "BYTES"


def read_raw(datatype: Datatype, shape: Sequence[int], data: bytes | memoryview) -> NDArray[Any]:
    """The array that the bytes are, of the datatype and the shape.

    Numbers are not copied where they are aligned: the array is a read-only view of `data`.

    Raises:
        ValueError: the bytes are more or fewer than the shape takes, a truth value is neither 0
            nor 1, or a text is not UTF-8; one line, to stand behind the tensor's name.
    """
    view = memoryview(data)
    count = math.prod(shape)
    array = _texts(view, count) if datatype.name == _TEXT else _numbers(view, count, datatype.numpy)
    return array.reshape(shape)


def _numbers(view: memoryview, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if len(view) != count * dtype.itemsize:
        raise ValueError(f"{len(view)} bytes, where its shape takes {count} times {dtype.itemsize}")
    array = np.frombuffer(view, dtype.newbyteorder("<")).astype(dtype, copy=False)
    if dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
        raise ValueError("a truth value is the byte 0 or 1")
    # onnxruntime reads the memory as it is, and a view behind a JSON header starts anywhere.
    return array if array.flags.aligned else array.copy()


def _texts(view: memoryview, count: int) -> NDArray[Any]:
    if count * _LENGTH.size > len(view):
        raise ValueError(f"{len(view)} bytes, where its shape takes {count} texts")
    array = np.empty(count, np.object_)
    at = 0
    for index in range(count):
        at, array[index] = _text(view, at, index)
    if at != len(view):
        raise ValueError(f"{len(view) - at} bytes are left behind its {count} texts")
    return array


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
