"""Labels from a file to the model server: what turned out to be true of predictions."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Final

from infra.errors import SettingsError
from slipway.models.predict import refused
from slipway.stack.running import answered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import httpx

    from slipway.stack.running import Running

Label = dict[str, Any]
BATCH: Final = 5_000
_FIELDS: Final = frozenset({"id", "value", "row"})


def send(running: Running, labels: list[Label]) -> int:
    """Hand labels to the model server, and return how many it took; sent twice they count once.

    Raises:
        SlipwayError: it refuses some of them; those before are kept.
    """
    url, taken = running.url("serving"), 0
    with running.client("serving") as client:
        for start in range(0, len(labels), BATCH):
            body = {"labels": labels[start : start + BATCH]}
            answer = answered(url, client.post, "/v2/feedback", json=body)
            taken += _taken(answer)
    return taken


def read(file: Path) -> list[Label]:
    """Labels of a CSV file with a head, or of lines of JSON: `id`, `value`, and `row` if not 0.

    Raises:
        SettingsError: it cannot be read, or a line is no label; says which.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8 text") from None
    read_line = _from_csv if file.suffix == ".csv" else _from_json
    return list(read_line(file, lines))


def _from_json(file: Path, lines: list[str]) -> Iterable[Label]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _checked(file, number, json.loads, line)


def _from_csv(file: Path, lines: list[str]) -> Iterable[Label]:
    reader = csv.DictReader(lines)
    for row in reader:
        yield _checked(file, reader.line_num, _typed, row)


def _typed(row: dict[str, str]) -> Label:
    """A CSV's texts as what they mean: numbers, truth values, else text."""
    found: Label = row | {"value": _value(row["value"])}
    return found | {"row": int(row["row"])} if row.get("row") else _without_row(found)


def _without_row(label: Label) -> Label:
    return {name: value for name, value in label.items() if name != "row"}


def _value(text: str) -> float | bool | str:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _checked(file: Path, number: int, read_line: Callable[[Any], Any], line: Any) -> Label:
    try:
        label = read_line(line)
        fits = {"id", "value"} <= label.keys() <= _FIELDS
    except (ValueError, KeyError, AttributeError):
        fits = False
    if not fits:
        raise SettingsError(f"{file}:{number}: give each label an id, a value, and a row if not 0")
    found: Label = label
    return found


def _taken(answer: httpx.Response) -> int:
    if not answer.is_success:
        raise refused(answer)
    return int(answer.json()["accepted"])
