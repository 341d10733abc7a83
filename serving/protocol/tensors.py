"""Request tensors to columns of values and arrays, checked by a model's signature.

Owns every check of names, datatypes, shapes and values. Knows nothing of bodies (see `messages`) or
of how the arrays are scored (see `models.scoring`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from serving.errors import Refusal, RequestError
from serving.protocol.datatypes import Datatype
from serving.protocol.messages import InputTensor
from serving.protocol.raw import read_raw, read_values

Array = NDArray[Any]
Values = list[Any] | Array
"""One input of a request: a flat list in row-major order, or an array of its shape."""

ANY = -1
"""A dimension that the caller chooses."""


def unprocessable(message: str, refusal: Refusal = Refusal.VALUES) -> RequestError:
    """A request that is well formed but does not fit the model."""
    return RequestError(422, message, refusal=refusal)


def mismatch(message: str) -> RequestError:
    """A request whose names, datatypes or shapes are not the model's: of another signature."""
    return unprocessable(message, Refusal.SIGNATURE)


def fits(shape: Sequence[int], declared: Sequence[int]) -> bool:
    """Whether a shape is of the declared rank and equal where that is not `ANY`."""
    if len(shape) != len(declared):
        return False
    # A loop, as this is on every request's way and a generator costs three times as much.
    for size, expected in zip(shape, declared, strict=True):  # noqa: SIM110
        if expected not in (ANY, size):
            return False
    return True


_SMALL = 256
"""Elements up to which raw data becomes a list, as JSON's is, so that it can be batched."""


@dataclass(frozen=True, slots=True, eq=False)
class TensorReader:
    """Reads one named input of a model.

    Attributes:
        name: the input's name.
        datatype: what its elements must be.
        shape: dimensions, `ANY` where the caller chooses; the first one is the rows.
        counts: whether its first dimension is the number of rows.
        single: the shape of one row, where only the rows are free; else no shape at all.
        width: elements of one row, where only the rows are free.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    counts: bool = field(init=False)
    single: list[int] | None = field(init=False)
    width: int = field(init=False)

    def __post_init__(self) -> None:
        first, *inner = self.shape or (0,)
        counts = first == ANY
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "single", [1, *inner] if counts and ANY not in inner else None)
        object.__setattr__(self, "width", math.prod(inner))

    def values(self, tensor: InputTensor) -> Values:
        """The input's values: a flat list as long as the shape says, or an array of that shape.

        Raises:
            RequestError: 422, where datatype or shape, the number of elements or their types are
                wrong; 400, where there is no data.
        """
        if tensor.datatype != self.datatype.name:
            raise mismatch(
                f"input {self.name!r} is {self.datatype.name} here, the request says "
                f"{tensor.datatype!r}"
            )
        if tensor.shape != self.single and not fits(tensor.shape, self.shape):
            raise mismatch(
                f"input {self.name!r} has the shape {list(self.shape)} here (-1: any), the "
                f"request says {tensor.shape}"
            )
        return self.elements(tensor.data, tensor.shape)

    def elements(self, data: Any, shape: list[int]) -> Values:
        """`values`, of data whose shape is known to fit.

        Raises:
            RequestError: as `values`.
        """
        if type(data) is not list:
            return self._raw(data, shape)
        values: list[Any] = data
        if not self.datatype.elements.issuperset(map(type, values)):
            values = self._flat(values, shape)
        if len(values) != math.prod(shape):
            raise unprocessable(
                f"input {self.name!r} says the shape {shape}, its data has {len(values)} elements"
            )
        return values

    def _flat(self, data: list[Any], shape: list[int]) -> list[Any]:
        """Nested data, flat; refuses the first element that is wrong."""
        for size in shape[1:]:
            if set(map(type, data)) != {list}:
                break
            if {len(row) for row in data} != {size}:
                raise unprocessable(
                    f"input {self.name!r} says the shape {shape}, its nested data has rows of "
                    "other lengths"
                )
            data = list(chain.from_iterable(data))
        for place, element in enumerate(data):
            if type(element) not in self.datatype.elements:
                raise unprocessable(
                    f"data of input {self.name!r}: element {place} is {_kind(element)}, not "
                    f"{self.datatype.words}"
                )
        return data

    def _raw(self, data: Any, shape: list[int]) -> Values:
        if data is UNSET:
            raise RequestError(400, f"input {self.name!r} has no data")
        if not isinstance(data, bytes | memoryview):
            raise RequestError(400, f"data of input {self.name!r} is {_kind(data)}, not an array")
        try:
            count = math.prod(shape)
            if count <= _SMALL:
                return read_values(self.datatype, count, data)
            return read_raw(self.datatype, shape, data)
        except ValueError as error:
            raise unprocessable(f"data of input {self.name!r}: {error}") from error

    def array(self, values: Values, shape: list[int]) -> Array:
        """Values that this reader has accepted, as an array of a shape that holds them.

        Raises:
            RequestError: 422, for a number beyond the datatype.
        """
        if not isinstance(values, list):
            return values
        try:
            return array_of(values, self.datatype).reshape(shape)
        except (OverflowError, FloatingPointError) as error:
            raise unprocessable(
                f"data of input {self.name!r} has a value beyond {self.datatype.name}"
            ) from error


def array_of(values: list[Any], datatype: Datatype) -> Array:
    """Python values as a flat array of the datatype.

    Raises:
        OverflowError, FloatingPointError: a number is beyond the datatype. The latter where the
            caller has overflow raised (see `numpy.errstate`), as it must: a number too large for
            FP16 or FP32 must not become an infinity in silence.
    """
    return np.array(values, dtype=datatype.numpy)


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
    tensors: Sequence[InputTensor], readers: dict[str, TensorReader]
) -> tuple[dict[str, Values], dict[str, list[int]], int]:
    """All inputs of one request by name, each the signature's, each exactly once.

    Rows are the first dimension that all inputs share whose first dimension is free; 1 if there is
    none. onnxruntime would broadcast one row against many in silence, so unequal ones are refused.

    Returns:
        The inputs' values and their shapes, by name, and the number of rows.

    Raises:
        RequestError: 422, for a name that is unknown, given twice or missing, or unequal numbers
            of rows; or as in `TensorReader.values`.
    """
    values: dict[str, Values] = {}
    shapes: dict[str, list[int]] = {}
    rows = None
    for tensor in tensors:
        name, shape = tensor.name, tensor.shape
        reader = readers.get(name)
        if reader is None:
            raise mismatch(f"unknown input {name!r}; the model has {list(readers)}")
        if name in values:
            raise unprocessable(f"input {name!r} is given twice")
        data = tensor.data
        # The common case, one row of plain values, without a call: twenty inputs are twenty calls.
        if (
            shape == reader.single
            and type(data) is list
            and len(data) == reader.width
            and tensor.datatype == reader.datatype.name
            and reader.datatype.elements.issuperset(map(type, data))
        ):
            values[name] = data
        else:
            values[name] = reader.values(tensor)
        shapes[name] = shape
        if reader.counts:
            if rows is None:
                rows = shape[0]
            elif rows != shape[0]:
                raise unprocessable(
                    f"all inputs must have as many rows; {name!r} has {shape[0]}, others {rows}"
                )
    if len(values) != len(readers):
        raise mismatch(f"missing inputs: {[name for name in readers if name not in values]}")
    return values, shapes, 1 if rows is None else rows
