"""Labels: what turned out to be true of predictions, taken by `POST /v2/feedback`.

Owns the form of the request and its answer. A label is acknowledged once it is in the journal, so
it may be sent again whenever an answer is missed: the newest label of a row is the one that counts.
"""

import time
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from serving.errors import DECODE_ERRORS, RequestError
from serving.prediction_log.journal import Journal
from serving.prediction_log.records import Label, encode
from serving.protocol.messages import ID_LENGTH

MOST_LABELS: Final = 10_000
_TEXT_LENGTH: Final = 4096
_INTEGER: Final = 2**63
_RETRY_SECONDS: Final = "1"

Id = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]
Row = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Integer = Annotated[int, Meta(ge=-_INTEGER, le=_INTEGER - 1)]
Value = bool | Integer | float | Annotated[str, Meta(max_length=_TEXT_LENGTH)]


class FeedbackLabel(Struct, frozen=True, forbid_unknown_fields=True):
    """One label as callers write it."""

    id: Id
    value: Value
    row: Row = 0


class Feedback(Struct, frozen=True, forbid_unknown_fields=True):
    """One label, or many."""

    id: Id | UnsetType = UNSET
    value: Value | UnsetType = UNSET
    row: Row | UnsetType = UNSET
    labels: Annotated[list[FeedbackLabel], Meta(max_length=MOST_LABELS)] | UnsetType = UNSET


_DECODER = msgspec.json.Decoder(Feedback)


def accept(body: bytes, journal: Journal | None, kept: Callable[[int], None]) -> tuple[int, bytes]:
    """Keep a request's labels; 200 and how many they are, once they are in the journal.

    Args:
        body: `{"id": ..., "value": ..., "row": 0}`, or `{"labels": [...]}` of such.
        journal: where they are kept; None where this server logs nothing.
        kept: called with the number of labels that are in the journal.

    Raises:
        RequestError: 400, the body is not JSON. 422, it is not of the form above, or a label is
            out of bounds; says where. 503, with Retry-After: the journal is full or its disk
            refuses; nothing of the request was kept. 501: this server logs nothing.
    """
    if journal is None:
        raise RequestError(501, "this server keeps no prediction log; set `log` to keep one")
    labels = _labels(body)
    now = time.time_ns()
    records = [encode(Label(label.id, label.row, label.value, now)) for label in labels]
    if records and not journal.append(records):
        raise RequestError(
            503,
            "labels cannot be kept right now; send them again",
            (("retry-after", _RETRY_SECONDS),),
        )
    kept(len(labels))
    return 200, b'{"accepted":%d}' % len(labels)


def _labels(body: bytes) -> list[FeedbackLabel]:
    try:
        feedback = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise RequestError(422, f"the body is no feedback: {error}") from error
    except DECODE_ERRORS as error:
        raise RequestError(400, f"the body is no JSON: {error}") from error
    one = (feedback.id, feedback.value, feedback.row)
    if feedback.labels is not UNSET:
        if any(field is not UNSET for field in one):
            raise RequestError(422, "the body has either `labels`, or one label's own fields")
        return feedback.labels
    if feedback.id is UNSET or feedback.value is UNSET:
        raise RequestError(422, "a label needs `id` and `value`; several stand under `labels`")
    return [
        FeedbackLabel(feedback.id, feedback.value, 0 if feedback.row is UNSET else feedback.row)
    ]
