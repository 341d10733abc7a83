"""Request tensors to columns of values and arrays, held to a model's signature.

Owns every check of names, datatypes, shapes and values. Knows nothing of HTTP bodies (see
`protocol`) or of how the arrays are scored (see `inference`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from serving.datatypes import Datatype
from serving.errors import RequestError
from serving.protocol import InputTensor, OutputTensor
from serving.raw import read_raw

Array = NDArray[Any]
Values = list[Any] | Array
"""One input of a request: a flat list in row-major order, or an array of its shape."""

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
        counts: whether its first dimension is the number of rows.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    counts: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", self.shape[:1] == (ANY,))

    def values(self, given: InputTensor) -> Values:
        """The input's values: a flat list as long as the shape says, or an array of that shape.

        Raises:
            RequestError: 422, where datatype or shape, the number of elements or their types are
                wrong; 400, where there is no data.
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
        data = given.data
        if type(data) is not list:
            return self._raw(given)
        if not self.datatype.elements.issuperset(map(type, data)):
            data = self._elements(data, given.shape)
        if len(data) != math.prod(given.shape):
            raise unfit(
                f"input {self.name!r} says the shape {given.shape}, its data has "
                f"{len(data)} elements"
            )
        return data

    def _elements(self, data: list[Any], shape: Sequence[int]) -> list[Any]:
        """Nested data, flat."""
        for size in shape[1:]:
            if set(map(type, data)) != {list}:
                break
            if {len(row) for row in data} != {size}:
                raise unfit(
                    f"input {self.name!r} says the shape {list(shape)}, its nested data has rows "
                    "of other lengths"
                )
            data = list(chain.from_iterable(data))
        for place, element in enumerate(data):
            if type(element) not in self.datatype.elements:
                raise unfit(
                    f"data of input {self.name!r}: element {place} is {_kind(element)}, not "
                    f"{self.datatype.words}"
                )
        return data

    def _raw(self, given: InputTensor) -> Array:
        data = given.data
        if data is UNSET:
            raise RequestError(400, f"input {self.name!r} has no data")
        if not isinstance(data, bytes | memoryview):
            raise RequestError(400, f"data of input {self.name!r} is {_kind(data)}, not an array")
        try:
            return read_raw(self.datatype, given.shape, data)
        except ValueError as error:
            raise unfit(f"data of input {self.name!r}: {error}") from error

    def array(self, values: Values, shape: Sequence[int]) -> Array:
        """Values that this reader let through, as an array of a shape that holds them.

        The caller has overflow of floating-point numbers raised (see `numpy.errstate`): a number
        too large for FP16 or FP32 must not become an infinity in silence.

        Raises:
            RequestError: 422, for a number beyond the datatype.
        """
        if not isinstance(values, list):
            return values
        try:
            return np.array(values, dtype=self.datatype.numpy).reshape(shape)
        except (OverflowError, FloatingPointError) as error:
            raise unfit(
                f"data of input {self.name!r} has a value beyond {self.datatype.name}"
            ) from error

    def join(self, several: Sequence[Values], rows: int) -> Array:
        """Values of several requests, whose shapes differ in their rows only, as one array.

        Raises:
            RequestError: as `array`.
        """
        shape = (rows, *self.shape[1:])
        if all(type(values) is list for values in several):
            return self.array(list(chain.from_iterable(several)), shape)
        parts = [self.array(values, (-1, *shape[1:])) for values in several]
        return np.concatenate(parts)


_KINDS = {
    bool: "a truth value",
    int: "an integer",
    float: "a number that is no integer in range",
    str: "a string",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def _kind(element: object) -> str:
    return _KINDS.get(type(element), "something else")


def read_inputs(
    given: Sequence[InputTensor], readers: dict[str, TensorReader], most: int
) -> tuple[dict[str, Values], int]:
    """All inputs of one request by name, each the signature's, each exactly once; and its rows.

    Rows are the first dimension that all inputs share whose first dimension is free; 1 if there is
    none. onnxruntime would broadcast one row against many in silence, so unequal ones are refused.

    Raises:
        RequestError: 422, for a name that is unknown, given twice or missing, unequal numbers of
            rows, none, or more than `most`, or as in `TensorReader.values`.
    """
    found: dict[str, Values] = {}
    rows = None
    for tensor in given:
        reader = readers.get(tensor.name)
        if reader is None:
            raise unfit(f"unknown input {tensor.name!r}; the model has {list(readers)}")
        if tensor.name in found:
            raise unfit(f"input {tensor.name!r} is given twice")
        found[tensor.name] = reader.values(tensor)
        if reader.counts:
            if rows is None:
                rows = tensor.shape[0]
            elif rows != tensor.shape[0]:
                raise unfit(
                    f"all inputs must have as many rows; {tensor.name!r} has {tensor.shape[0]}, "
                    f"others have {rows}"
                )
    if len(found) != len(readers):
        raise unfit(f"missing inputs: {[name for name in readers if name not in found]}")
    rows = 1 if rows is None else rows
    if not 1 <= rows <= most:
        raise unfit(f"a request has 1 to {most} rows, this one has {rows}")
    return found, rows


def write_output(name: str, datatype: Datatype, array: Array) -> OutputTensor:
    """An output array as the protocol's tensor."""
    return OutputTensor(name, datatype.name, list(array.shape), array.ravel().tolist())
