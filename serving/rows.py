"""Rows of named values: `{"rows": [{"carrier": "UA", "hour": 8}]}`, because people think in rows.

Owns the way from rows to the inputs' values, and from outputs to rows. What the values must
be is checked where every tensor's are, in `tensors`.
"""

import math
from typing import Any

from serving.model import Model
from serving.tensors import Array, TensorReader, Values, unfit


def read_rows(
    model: Model, rows: list[dict[str, Any]]
) -> tuple[dict[str, Values], dict[str, list[int]]]:
    """The values of the model's inputs, and their shapes, by name.

    A value that a floating-point input misses, or has as null, is a missing number.

    Raises:
        RequestError: 422, for a name that is not an input, an input that a row does not have, a
            model whose inputs are no rows of a fixed form, or values that are not the input's.
    """
    known = model.readers.keys()
    for number, row in enumerate(rows):
        if not row.keys() <= known:
            strange = sorted(row.keys() - known)
            raise unfit(f"row {number} has {strange}; the model's inputs are {list(known)}")
    values, shapes = {}, {}
    for name, reader in model.readers.items():
        if reader.single is None:
            raise unfit(f"input {name!r} has no fixed form a row; send `inputs` instead")
        shapes[name] = reader.single if len(rows) == 1 else [len(rows), *reader.single[1:]]
        # A row's value is an element, or a list of them, nested as the shape is: as `data` may be.
        values[name] = reader.elements(_column(reader, rows), shapes[name])
    return values, shapes


def _column(reader: TensorReader, rows: list[dict[str, Any]]) -> list[Any]:
    name = reader.name
    if type(None) in reader.datatype.elements and math.prod(reader.shape[1:]) == 1:
        return [row.get(name) for row in rows]
    try:
        return [row[name] for row in rows]
    except KeyError:
        number = next(number for number, row in enumerate(rows) if name not in row)
        raise unfit(f"row {number} has no {name!r}") from None


def to_predictions(outputs: dict[str, Array], rows: int) -> list[dict[str, Any]]:
    """A row of named values for each row; an output of one element a row is that element."""
    columns = {name: _by_row(array, rows) for name, array in outputs.items()}
    return [{name: column[row] for name, column in columns.items()} for row in range(rows)]


def _by_row(array: Array, rows: int) -> list[Any]:
    values: list[Any] = array.reshape(rows, -1).tolist()
    return [value[0] if len(value) == 1 else value for value in values]
