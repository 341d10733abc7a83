"""Rows of named values: `{"rows": [{"carrier": "UA", "hour": 8}]}`, because people think in rows.

Owns the way from rows to the protocol's tensors and back. What the values must be is checked where
every tensor's are, in `tensors`.
"""

import math
from typing import Any

from serving.model import Model
from serving.protocol import InputTensor
from serving.tensors import ANY, Array, TensorReader, unfit


def to_inputs(model: Model, rows: list[dict[str, Any]]) -> list[InputTensor]:
    """The model's inputs, of as many rows.

    A value that a floating-point input misses, or has as null, is a missing number.

    Raises:
        RequestError: 422, for a name that is not an input, an input that a row does not have, or a
            model whose inputs are no rows of a fixed form.
    """
    for number, row in enumerate(rows):
        if strange := row.keys() - model.readers.keys():
            raise unfit(
                f"row {number} has {sorted(strange)}; the model's inputs are {list(model.readers)}"
            )
    return [_input(reader, rows) for reader in model.readers.values()]


def _input(reader: TensorReader, rows: list[dict[str, Any]]) -> InputTensor:
    first, *inner = reader.shape or (0,)
    if first != ANY or ANY in inner:
        raise unfit(f"input {reader.name!r} has no fixed form a row; send `inputs` instead")
    # A row's value is an element, or a list of them, nested as the shape is: as `data` may be.
    return InputTensor(
        reader.name, [len(rows), *inner], reader.datatype.name, _values(reader, rows)
    )


def _values(reader: TensorReader, rows: list[dict[str, Any]]) -> list[Any]:
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
    columns = {name: _column(array, rows) for name, array in outputs.items()}
    return [{name: column[row] for name, column in columns.items()} for row in range(rows)]


def _column(array: Array, rows: int) -> list[Any]:
    values: list[Any] = array.reshape(rows, -1).tolist()
    return [value[0] if len(value) == 1 else value for value in values]
