"""A model's background rows, which explanations compare a request's row with.

Owns the form of `background.json`: for each input its values, one for each of the sampled training
rows. Sampling is the business of the packaging step.
"""

from typing import Any

import msgspec
import numpy as np

from contracts.model_package import BACKGROUND
from serving.errors import DECODE_ERRORS, ModelRefusedError, Reason, RequestError
from serving.protocol.messages import InputTensor
from serving.protocol.tensors import ANY, Array, TensorReader

MAX_ROWS = 1024


def refuse(message: str) -> ModelRefusedError:
    """Background rows that cannot be used."""
    return ModelRefusedError(Reason.BACKGROUND, f"{BACKGROUND}: {message}")


def decode(data: bytes, readers: dict[str, TensorReader]) -> dict[str, Array]:
    """The background rows by input name, as the model's readers read them from a request.

    A row of a column is a value as in the signature's example; null is a missing number.

    Raises:
        ModelRefusedError: not JSON, other inputs than the model's, values that an input does not
            take, no row, more than `MAX_ROWS`, or inputs with different numbers of rows.
    """
    try:
        columns = msgspec.json.decode(data, type=dict[str, list[Any]])
    except DECODE_ERRORS as error:
        raise refuse(str(error)) from error
    if columns.keys() != readers.keys():
        raise refuse(f"it must have rows of the inputs {list(readers)}, and no other")
    counts = sorted({len(rows) for rows in columns.values()})
    if len(counts) > 1 or not 1 <= counts[0] <= MAX_ROWS:
        raise refuse(f"all inputs must have the same 1 to {MAX_ROWS} rows, these have {counts}")
    return {name: _array(reader, columns[name]) for name, reader in readers.items()}


def _array(reader: TensorReader, rows: list[Any]) -> Array:
    width = len(rows[0]) if isinstance(rows[0], list) else 1
    shape = [len(rows), *(width if size == ANY else size for size in reader.shape[1:])]
    tensor = InputTensor(reader.name, shape, reader.datatype.name, rows)
    try:
        with np.errstate(over="raise"):
            return reader.array(reader.values(tensor), shape)
    except RequestError as error:
        raise refuse(str(error)) from error
