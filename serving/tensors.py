"""Request tensors to numpy arrays and back, held to a model's signature.

Owns every check of names, datatypes, shapes and values. Knows nothing of HTTP bodies (see
`protocol`) or of how the arrays are scored (see `inference`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from serving.datatypes import Datatype, decoder
from serving.errors import RequestError
from serving.protocol import InputTensor, OutputTensor

Array = NDArray[Any]

ANY = -1
"""A dimension that the caller chooses."""


def unfit(message: str) -> RequestError:
    """A request that is well formed but does not fit the model."""
    return RequestError(422, message)


def fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether a shape is of the wanted rank and equal where that is not `ANY`."""
    if len(shape) != len(wanted):
        return False
    # A loop, as this is on every request's way and a generator costs three times as much.
    for have, want in zip(shape, wanted, strict=True):  # noqa: SIM110
        if want not in (ANY, have):
            return False
    return True


@dataclass(frozen=True, slots=True, eq=False)
class TensorReader:
    """Reads one named input of a model.

    Attributes:
        name: the input's name.
        datatype: what its elements must be.
        shape: dimensions, `ANY` where the caller chooses; the first one is the rows.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...]

    def read(self, given: InputTensor) -> Array:
        """The input as an array of the signature's datatype and the request's shape.

        Raises:
            RequestError: 422, where datatype, shape, or an element's type or range is wrong.
        """
        if given.datatype != self.datatype.name:
            raise unfit(
                f"input {self.name!r} is {self.datatype.name} here, the request says "
                f"{given.datatype!r}"
            )
        if not fits(given.shape, self.shape):
            raise unfit(
                f"input {self.name!r} has the shape {list(self.shape)} here (-1: any), the "
                f"request says {given.shape}"
            )
        array = self._array(self._values(given))
        nested = array.ndim > 1 and list(array.shape) != given.shape
        if nested or array.size != math.prod(given.shape):
            raise unfit(
                f"input {self.name!r} says the shape {given.shape}, its data has "
                f"{list(array.shape)}"
            )
        return array.reshape(given.shape)

    def _values(self, given: InputTensor) -> list[Any]:
        try:
            return self.datatype.flat.decode(given.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if len(self.shape) == 1 or not _starts_nested(given.data):
                raise unfit(f"data of input {self.name!r}: {error}") from error
        try:
            return decoder(self.datatype.element, len(self.shape)).decode(given.data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise unfit(f"data of input {self.name!r}: {error}") from error

    def _array(self, values: list[Any]) -> Array:
        try:
            return np.array(values, dtype=self.datatype.numpy)
        except ValueError as error:
            raise unfit(f"data of input {self.name!r} has rows of unequal length") from error
        except (OverflowError, FloatingPointError) as error:
            raise unfit(
                f"data of input {self.name!r} has a value beyond {self.datatype.name}"
            ) from error


def _starts_nested(data: msgspec.Raw) -> bool:
    return bytes(memoryview(data)[:64]).translate(None, b" \t\r\n").startswith(b"[[")


def read_inputs(given: Sequence[InputTensor], readers: dict[str, TensorReader]) -> dict[str, Array]:
    """All inputs of one request by name, each the signature's, each exactly once.

    Raises:
        RequestError: 422, for a name that is unknown, given twice or missing, or as in
            `TensorReader.read`.
    """
    arrays: dict[str, Array] = {}
    # A number too large for FP16 or FP32 must not become an infinity in silence.
    with np.errstate(over="raise"):
        for tensor in given:
            reader = readers.get(tensor.name)
            if reader is None:
                raise unfit(f"unknown input {tensor.name!r}; the model has {list(readers)}")
            if tensor.name in arrays:
                raise unfit(f"input {tensor.name!r} is given twice")
            arrays[tensor.name] = reader.read(tensor)
    if len(arrays) != len(readers):
        raise unfit(f"missing inputs: {[name for name in readers if name not in arrays]}")
    return arrays


def rows_of(arrays: dict[str, Array], readers: dict[str, TensorReader], most: int) -> int:
    """The number of rows that all inputs with a free first dimension share; 1 if none has one.

    onnxruntime would broadcast one row against many in silence, so unequal numbers are refused.

    Raises:
        RequestError: 422, when inputs differ, there is no row, or there are more than `most`.
    """
    counts = {
        len(array) for name, array in arrays.items() if readers[name].shape[:1] == (ANY,)
    } or {1}
    if len(counts) > 1:
        raise unfit(f"all inputs must have as many rows, these have {sorted(counts)}")
    rows = counts.pop()
    if not 1 <= rows <= most:
        raise unfit(f"a request has 1 to {most} rows, this one has {rows}")
    return rows


def write_output(name: str, datatype: Datatype, array: Array) -> OutputTensor:
    """An output array as the protocol's tensor."""
    return OutputTensor(name, datatype.name, list(array.shape), array.ravel().tolist())
