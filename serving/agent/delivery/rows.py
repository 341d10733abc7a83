"""Records as rows of the tables: one a scored row, one a label.

Owns the layout of a request's values into rows and their text. Nothing is refused here: what does
not divide into rows stands whole in each.
"""

from itertools import chain
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


def texts(columns: dict[str, list[Any]], rows: int) -> list[str]:
    """A JSON object by name for each row; NaN and infinities are null.

    A row of a column is a value, or a flat list where a row has several or none.
    """
    if not columns:
        return ["{}"] * rows
    # What most requests are, and five times as fast: one row of single values.
    if rows == 1 and set(map(len, columns.values())) == {1}:
        return [
            _encode(dict(zip(columns, chain.from_iterable(columns.values()), strict=True))).decode()
        ]
    names = list(columns)
    by_row = zip(*(_rows_of(values, rows) for values in columns.values()), strict=True)
    return [_encode(dict(zip(names, row, strict=True))).decode() for row in by_row]


def _rows_of(values: list[Any], rows: int) -> list[Any]:
    width, rest = divmod(len(values), rows)
    if rest:
        return [values] * rows
    if width == 1:
        return values
    return [values[at : at + width] for at in range(0, rows * width, width or 1)] or [[]] * rows
