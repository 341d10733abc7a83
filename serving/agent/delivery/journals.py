"""Reads the journals of all workers, and deletes what is in the tables.

Owns how far each writer was read and what of it may be deleted. Nothing here stops at what cannot
be read: it is skipped, counted and logged.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec

from serving import logs
from serving.errors import DECODE_ERRORS
from serving.prediction_log import segments
from serving.prediction_log.records import Label, Prediction

Record = Prediction | Label

_DECODER = msgspec.msgpack.Decoder(list[Record])


@dataclass(slots=True)
class Frame:
    """The records of one append; `end` is the writer's position after it."""

    end: int
    records: list[Record]


@dataclass(slots=True)
class Part:
    """Frames of one writer, in order.

    Attributes:
        writer: whose they are.
        frames: in the order they were written.
        end: the position after them and after all that was skipped.
        more: whether more is there, beyond the budget.
    """

    writer: str
    frames: list[Frame]
    end: int
    more: bool


@dataclass(slots=True)
class _Source:
    """One writer's folder, read up to `at`."""

    path: Path
    at: int
    skipped: Callable[[], None]

    def read(self, budget: int) -> Part:
        """What comes next, about `budget` bytes of it."""
        # Checked first: a writer that has ended by now has written all that is read below.
        lives = segments.lives(self.path)
        begins = segments.positions(self.path)
        frames: list[Frame] = []
        for begin, following in zip(begins, [*begins[1:], None], strict=True):
            if following is not None and following <= self.at:
                continue
            before = self.at = max(self.at, begin)
            sealed = not lives or following is not None
            if self._segment(begin, sealed, budget, frames):
                return Part(self.path.name, frames, self.at, more=True)
            budget -= self.at - before
        return Part(self.path.name, frames, self.at, more=False)

    def _segment(self, begin: int, sealed: bool, budget: int, frames: list[Frame]) -> bool:  # noqa: FBT001
        """Read on in one segment; whether it has more than the budget."""
        data, left = _piece(segments.path_of(self.path, begin), self.at - begin, budget)
        read = 0
        for end, body in segments.split(data):
            read = end
            frames.append(Frame(self.at + read, self._decode(body)))
        self.at += read
        rest = len(data) - read + left
        if left and read:
            return True
        if rest and sealed:
            self._skip("journal_torn", rest)
            self.at += rest
        return False

    def _decode(self, body: bytes) -> list[Record]:
        try:
            return _DECODER.decode(body)
        except DECODE_ERRORS as error:
            self._skip("journal_unreadable", len(body), error=str(error))
            return []

    def _skip(self, event: str, size: int, **fields: object) -> None:
        self.skipped()
        logs.warning(event, writer=self.path.name, position=self.at, bytes=size, **fields)


def _piece(path: Path, offset: int, budget: int) -> tuple[bytes, int]:
    """Bytes of a segment from an offset on, at least its first frame; how many are left."""
    file = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(file).st_size
        data = os.pread(file, max(budget, segments.HEAD_SIZE), offset)
        first = segments.first_size(data)
        if len(data) < first <= size - offset:
            data = os.pread(file, first, offset)
        return data, max(0, size - offset - len(data))
    finally:
        os.close(file)


@dataclass(slots=True)
class Journals:
    """All writers' folders under one.

    Attributes:
        folder: the journal's.
        begin: where reading of a writer not seen before begins: the position that all tables have.
        skipped: called for each piece that cannot be read.
    """

    folder: Path
    begin: Callable[[str], int]
    skipped: Callable[[], None]
    _sources: dict[str, _Source] = field(default_factory=dict)

    def read(self, budget: int) -> tuple[list[Part], bool]:
        """What comes next of each writer, about `budget` bytes; whether that was used up."""
        parts = []
        for path in segments.writers(self.folder):
            source = self._sources.get(path.name)
            if source is None:
                begin = self.begin(path.name)
                source = self._sources[path.name] = _Source(path, begin, self.skipped)
            before = source.at
            part = source.read(budget)
            if part.end > before:
                parts.append(part)
            if part.more:
                return parts, True
            budget -= part.end - before
        return parts, False

    def rewind(self) -> None:
        """Read again from what the tables have."""
        self._sources.clear()

    def release(self, writer: str, position: int) -> None:
        """Note that all up to a position is in the tables, and delete what is not needed.

        Raises:
            OSError: the disk refuses; what is left is deleted another time.
        """
        path = self.folder / writer
        lives = segments.lives(path)
        begins = segments.positions(path)
        for begin, following in pairwise(begins):
            if following <= position:
                segments.path_of(path, begin).unlink(missing_ok=True)
        if not lives and position >= segments.end_of(path):
            segments.remove(path)
            self._sources.pop(writer, None)
        elif position > segments.shipped(path):
            segments.note_shipped(path, position)

    def writers(self) -> list[str]:
        """The names of all folders that are there."""
        return [path.name for path in segments.writers(self.folder)]
