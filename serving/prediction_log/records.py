"""Records of the journal, from the workers to the agent: predictions and labels.

Owns the form only: MessagePack arrays, self-contained, so that a record can be read long after its
model has gone. How they are kept is the business of `journal`.
"""

from typing import Any

import msgspec
from msgspec import Struct


class Prediction(Struct, frozen=True, array_like=True, tag="p", gc=False):
    """One answered request.

    Attributes:
        id: the answer's id; labels come back under it.
        time: nanoseconds since the epoch at the answer.
        model: registered model's name.
        version: version in the model registry.
        digest: artifact's manifest digest.
        slot: slot that answered.
        seconds: from the request's whole body to the answer.
        rows: rows that were scored.
        inputs: flat, row-major values by name, as many for each row; None where one is missing.
        outputs: likewise, all that were answered.
        key: the routing key, where the caller gave one.
        trace: the trace id of the caller's W3C trace context, where there was one.
    """

    id: str
    time: int
    model: str
    version: str
    digest: str
    slot: str
    seconds: float
    rows: int
    inputs: dict[str, list[Any]]
    outputs: dict[str, list[Any]]
    key: str | None = None
    trace: str | None = None


class Label(Struct, frozen=True, array_like=True, tag="l", gc=False):
    """The truth about one predicted row, known later.

    Attributes:
        id: the prediction's.
        row: which of its rows, from 0.
        value: the truth, a number, a text or a truth value; an integer fits 64 bits.
        time: nanoseconds since the epoch at which it came in.
    """

    id: str
    row: int
    value: int | float | str | bool
    time: int


encode = msgspec.msgpack.Encoder().encode
