"""Labels from a file to the model server: what turned out to be true of predictions.

A file is taken whole or not at all: each label is held against the server's own form of one before
the first is sent.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from infra.errors import SettingsError, SlipwayError
from serving.errors import one_line
from serving.prediction_log.feedback import FeedbackLabel
from slipway.models import data_files
from slipway.models.predict import refused
from slipway.stack.running import answered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from slipway.stack.running import Running

BATCH: Final = 5_000
BATCH_BYTES: Final = 2**20
_JSON: Final = {"content-type": "application/json"}
_FORM: Final = "a label has an id, a value, and a row if not 0"
_HEADS: Final = (["id", "value"], ["id", "row", "value"])
_TRUTH: Final = {"true": True, "false": False}
_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?")
_PADDED: Final = re.compile(r"[+-]?0[0-9]")
_NO_NUMBERS: Final = {"nan", "inf", "infinity"}
_DECODER: Final = msgspec.json.Decoder(FeedbackLabel)


@dataclass
class Labels:
    """The labels of a file.

    Attributes:
        file: where they are from.
        rows: the labels.
        lines: for each, the line that it begins in, from 1.
        wrong: what else is there and is no label, as `FILE:LINE: what is wrong`.
    """

    file: Path
    rows: list[FeedbackLabel] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def read(file: Path, *, skip_invalid: bool = False) -> Labels:
    """Labels of a CSV file with a head, or of lines of JSON: `id`, `value`, and `row` if not 0.

    A CSV's values are what they look like: a number, a truth value, else a text as it stands.

    Raises:
        SettingsError: the file cannot be read, or a record is no label, unless `skip_invalid`
            leaves those out; says which.
    """
    content = data_files.text(file)
    is_csv = file.suffix.lower() == ".csv"
    labels = Labels(file)
    for line, label in _of_csv(file, content) if is_csv else _of_lines(content):
        if isinstance(label, str):
            labels.wrong.append(f"{file}:{line}: {label}")
        else:
            labels.rows.append(label)
            labels.lines.append(line)
    if labels.wrong and not skip_invalid:
        raise _refusal(labels)
    return labels


def send(running: Running, labels: Labels, most_bytes: int = BATCH_BYTES) -> int:
    """Hand labels to the model server, and return how many it took; sent twice they count once.

    Args:
        running: the stack.
        labels: all of them.
        most_bytes: of one request's body.

    Raises:
        SlipwayError: it does not take them all; says how many are kept, and how to go on.
    """
    url, taken = running.url("serving"), 0
    with running.client("serving") as client:
        for count, body in _requests(labels.rows, min(most_bytes, BATCH_BYTES)):
            try:
                answer = answered(url, client.post, "/v2/feedback", content=body, headers=_JSON)
                taken += _taken(answer)
            except SlipwayError as error:
                raise type(error)(f"{error}; {_so_far(labels, count)}") from None
    return taken


def _so_far(labels: Labels, sent: int) -> str:
    """What is kept of labels of which the first `sent` were taken, and what to do."""
    again = "once that is mended run the same command again: a label sent twice counts once"
    if not sent:
        return f"none of the {len(labels.rows)} labels was taken: {again}"
    return (
        f"the first {sent} of {len(labels.rows)} labels are kept, before line"
        f" {labels.lines[sent]} of {labels.file}: {again}"
    )


def _requests(rows: list[FeedbackLabel], most_bytes: int) -> Iterator[tuple[int, bytes]]:
    """The bodies of requests, and how many labels stand in those before each."""
    head, tail = b'{"labels":[', b"]}"
    batch: list[bytes] = []
    size = len(head + tail)
    for place, label in enumerate(rows):
        text = msgspec.json.encode(label)
        if batch and (len(batch) == BATCH or size + len(text) + 1 > most_bytes):
            yield place - len(batch), head + b",".join(batch) + tail
            batch, size = [], len(head + tail)
        batch.append(text)
        size += len(text) + 1
    if batch:
        yield len(rows) - len(batch), head + b",".join(batch) + tail


def _refusal(labels: Labels) -> SettingsError:
    wrong, total = len(labels.wrong), len(labels.wrong) + len(labels.rows)
    return SettingsError(
        f"{labels.wrong[0]}; {wrong} of {total} labels {'is' if wrong == 1 else 'are'} wrong and"
        " none is sent: mend the file, or leave those out by --skip-invalid"
    )


def _of_lines(content: str) -> Iterator[tuple[int, FeedbackLabel | str]]:
    """Each line's label, or what is wrong with it."""
    for line, text in data_files.json_lines(content):
        try:
            yield line, _DECODER.decode(text)
        except msgspec.ValidationError as error:
            yield line, f"{data_files.json_fault(error, text)[1]}: {_FORM}"
        except (msgspec.DecodeError, RecursionError) as error:
            yield line, f"no JSON: {data_files.json_fault(error, text)[1]}"


def _of_csv(file: Path, content: str) -> Iterator[tuple[int, FeedbackLabel | str]]:
    """Each record's label, or what is wrong with it.

    Raises:
        SettingsError: the head names something else, or it is not CSV.
    """
    records = data_files.csv_records(file, content)
    line, head = next(records, (1, []))
    if sorted(head) not in _HEADS:
        raise SettingsError(
            f"{file}:{line}: the head is {','.join(head)!r}: it should be id,value or id,value,row"
        )
    for line, record in records:
        try:
            yield line, _of_record(head, record)
        except ValueError as error:
            yield line, f"{one_line(str(error))}: {_FORM}"


def _of_record(head: list[str], record: list[str]) -> FeedbackLabel:
    """The label of a CSV's record.

    Raises:
        ValueError: it is none; what is wrong.
    """
    if len(record) != len(head):
        raise ValueError(f"it has {len(record)} fields where the head has {len(head)}")
    label: dict[str, Any] = dict(zip(head, record, strict=True))
    label["value"] = _value(label["value"])
    label["row"] = _row(label.get("row") or "0")
    return msgspec.convert(label, FeedbackLabel)


def _row(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"the row {text!r} is no whole number")
    return int(text)


def _value(text: str) -> int | float | bool | str:
    """What a field of a CSV means; digits with zeros before them are a name, not a number."""
    bare = text.strip().lower()
    if bare in _TRUTH:
        return _TRUTH[bare]
    if not bare:
        raise ValueError("the value is empty")
    if bare.lstrip("+-") in _NO_NUMBERS:
        raise ValueError(f"the value {text!r} is no number that can be true")
    if _WHOLE.fullmatch(bare):
        return int(bare)
    if not _DECIMAL.fullmatch(bare) or _PADDED.match(bare):
        return text
    if math.isinf(number := float(bare)):
        raise ValueError(f"the value {text!r} is beyond what a number can be")
    return number


def _taken(answer: httpx.Response) -> int:
    if not answer.is_success:
        raise refused(answer)
    return int(answer.json()["accepted"])
