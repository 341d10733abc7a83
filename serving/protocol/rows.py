"""Rows of named values: `{"rows": [{"city": "Oslo", "hour": 8}]}`, because people think in rows.

Owns converting rows to the inputs' values, and outputs to rows. A model's rows have a type of their
own, derived from its signature, so that they are read and checked in one step.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from types import GenericAlias
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from serving.errors import DECODE_ERRORS, Refusal
from serving.protocol.datatypes import Datatype
from serving.protocol.tensors import Array, TensorReader, Values, mismatch, unprocessable


@dataclass(frozen=True, slots=True, eq=False)
class RowReader:
    """Reads the rows of one model.

    Attributes:
        decoder: of a list of rows; a row is an object with a value for each input, a list of
            values where a row of the input has several.
        single: the shape of one row, by input.
        deep: the inputs that have a list in each row.
    """

    decoder: "msgspec.json.Decoder[list[Any]]"
    single: dict[str, list[int]]
    deep: tuple[str, ...]

    def read(
        self, data: msgspec.Raw, max_rows: int
    ) -> tuple[dict[str, Values], dict[str, list[int]], int]:
        """The values of the model's inputs and their shapes, by name, and the number of rows.

        A value that a floating-point input misses, or has as null, is a missing number.

        Raises:
            RequestError: 422, for no rows or more than `max_rows`, a name that is not an input, an
                input that a row does not have, or values that are not the input's; says where.
        """
        try:
            rows = self.decoder.decode(data)
        except DECODE_ERRORS as error:
            # The error comes first: a wide model's names fill a line.
            raise mismatch(
                f"the rows do not fit: {error}; inputs are {list(self.single)}"
            ) from error
        count = len(rows)
        if not 1 <= count <= max_rows:
            message = f"a request has 1 to {max_rows} rows, this one has {count}"
            raise unprocessable(message, Refusal.LIMIT)
        columns = map(list, zip(*map(msgspec.structs.astuple, rows), strict=True))
        values: dict[str, Values] = dict(zip(self.single, columns, strict=True))
        for name in self.deep:
            values[name] = _flat(values[name], len(self.single[name]) - 1)
        shapes = self.single if count == 1 else self._shapes(count)
        return values, shapes, count

    def _shapes(self, count: int) -> dict[str, list[int]]:
        return {name: [count, *inner] for name, (_, *inner) in self.single.items()}


def row_reader(readers: Iterable[TensorReader]) -> RowReader | None:
    """The reader of rows for these inputs; None where one has no fixed form a row."""
    single: dict[str, list[int]] = {}
    fields: list[tuple[str, Any, Any]] = []
    for number, reader in enumerate(readers):
        if reader.single is None:
            return None
        single[reader.name] = reader.single
        kind = _kind(reader.datatype, reader.single[1:])
        default = None if kind == _FLOAT else msgspec.NODEFAULT
        fields.append((f"input_{number}", kind, default))
    names = {field[0]: name for field, name in zip(fields, single, strict=True)}
    row = msgspec.defstruct(
        "Row", fields, rename=names, kw_only=True, forbid_unknown_fields=True, gc=False
    )
    deep = tuple(name for name, shape in single.items() if shape[1:] not in ([], [1]))
    return RowReader(msgspec.json.Decoder(GenericAlias(list, (row,))), single, deep)


_FLOAT = float | None
_TYPES: dict[str, Any] = {"b": bool, "i": int, "u": int, "f": _FLOAT, "O": str}


def _kind(datatype: Datatype, inner: list[int]) -> Any:
    """The type of an input's value in a row: an element, or lists of them, nested as its shape."""
    kind = _TYPES[datatype.numpy.kind]
    if inner in ([], [1]):
        return kind
    for size in reversed(inner):
        kind = Annotated[GenericAlias(list, (kind,)), Meta(min_length=size, max_length=size)]
    return kind


def _flat(column: Values, depth: int) -> list[Any]:
    values = list(column)
    for _ in range(depth):
        values = list(chain.from_iterable(values))
    return values


def to_predictions(outputs: dict[str, Array], rows: int) -> list[dict[str, Any]]:
    """A row of named values for each row; an output of one element a row is that element."""
    columns = {name: _by_row(array, rows) for name, array in outputs.items()}
    return [{name: column[row] for name, column in columns.items()} for row in range(rows)]


def _by_row(array: Array, rows: int) -> list[Any]:
    values: list[Any] = array.reshape(rows, -1).tolist()
    return [value[0] if len(value) == 1 else value for value in values]
