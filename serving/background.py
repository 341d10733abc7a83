"""A model's background rows: what explanations compare a request's row with.

Owns the form of `background.json`: for each input its values, one for each of the sampled training
rows. Which rows were sampled is the business of whoever packaged the model.
"""

import msgspec
import numpy as np

from serving.datatypes import BY_NAME, decoder
from serving.errors import ModelRefusedError, Reason
from serving.signature import Signature, TensorSpec
from serving.tensors import Array, fits

BACKGROUND = "background.json"
"""The file's title in a model's artifact, which may have none."""

MOST_ROWS = 1024
_MATRIX = 2


def refuse(message: str) -> ModelRefusedError:
    """Background rows that cannot be used."""
    return ModelRefusedError(Reason.BACKGROUND, f"{BACKGROUND}: {message}")


def decode(data: bytes, signature: Signature) -> dict[str, Array]:
    """The background rows by input name, each of the signature's datatype and shape.

    A column's rows are single values, in JSON as in the signature's example; null is NaN.

    Raises:
        ModelRefusedError: not JSON, other inputs than the signature's, values that an input does
            not take, no row, more than `MOST_ROWS`, or inputs with different numbers of rows.
    """
    try:
        columns = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refuse(str(error)) from error
    if columns.keys() != {spec.name for spec in signature.inputs}:
        raise refuse("it must have rows of every input, and no other")
    arrays = {spec.name: _column(spec, columns[spec.name]) for spec in signature.inputs}
    counts = sorted({len(array) for array in arrays.values()})
    if len(counts) > 1 or not 1 <= counts[0] <= MOST_ROWS:
        raise refuse(f"all inputs must have the same 1 to {MOST_ROWS} rows, these have {counts}")
    return arrays


def _column(spec: TensorSpec, data: msgspec.Raw) -> Array:
    datatype = BY_NAME[spec.datatype]
    column = len(spec.shape) == _MATRIX and spec.shape[1] == 1
    try:
        values = decoder(datatype.element, 1 if column else len(spec.shape)).decode(data)
        # A number too large for FP16 or FP32 must not become an infinity in silence.
        with np.errstate(over="raise"):
            array: Array = np.array(values, dtype=datatype.numpy)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refuse(f"input {spec.name!r}: {error}") from error
    except (ValueError, OverflowError, FloatingPointError) as error:
        raise refuse(f"input {spec.name!r}: values beyond {datatype.name}, or ragged") from error
    array = array.reshape(-1, 1) if column else array
    if not fits(array.shape, spec.shape):
        raise refuse(f"input {spec.name!r} has the shape {list(array.shape)} there")
    return array
