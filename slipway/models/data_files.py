"""Files of rows or labels that a person hands over: UTF-8 text, JSON and CSV, read strictly.

Owns reading them, and where in a file something is wrong. What values mean is decided by `predict`
and `feedback`.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from typing import TYPE_CHECKING, Final

from infra.errors import SettingsError
from serving.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BYTE: Final = re.compile(r" \(byte (\d+)\)$")
_NOT_A_NUMBER: Final = re.compile(r"\b(nan|infinity|inf)\b", re.IGNORECASE)


def text(file: Path) -> str:
    """What stands in a file, without a byte order mark.

    Raises:
        SettingsError: it cannot be read, or is not UTF-8; says in which line.
    """
    try:
        data = file.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{file}:{line}: not UTF-8 text: save the file as UTF-8") from None


def json_lines(content: str) -> Iterator[tuple[int, str]]:
    """Each line that is not blank, and its number from 1."""
    # Not `splitlines`, which also splits at signs that may stand inside a JSON text.
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            yield number, line


def csv_records(file: Path, content: str) -> Iterator[tuple[int, list[str]]]:
    """Each record of a CSV file, and the line that it begins in; blank lines are left out.

    Raises:
        SettingsError: from a line on it is not CSV, as when a quote is never closed.
    """
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise SettingsError(f"{file}:{line}: not CSV from here on: {error}") from None
        if record is None:
            return
        if record:
            yield line, record


def json_fault(error: Exception, source: str, line: int = 1) -> tuple[int, str]:
    """The line in which JSON that begins in `line` is wrong, and what is wrong there."""
    message = one_line(str(error))
    position = _BYTE.search(message)
    if not position:
        return line, message
    data, place = source.encode(), int(position[1])
    near = data[max(0, place - 4) : place + 8].decode(errors="ignore")
    message = message[: position.start()]
    if _NOT_A_NUMBER.search(near):
        message += " (it has neither NaN nor infinity; a number that is missing is null)"
    return line + data.count(b"\n", 0, place), message
