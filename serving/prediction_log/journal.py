"""The journal's writer: what a worker acknowledges, it has handed to the kernel.

Owns the hot path: one write(2) an append, into segments of this process's own. What the kernel has
taken survives the process's SIGKILL; nothing is synced, as the machine's own end is not promised.
Its form on disk is the business of `segments`, bringing it into tables that of the agent.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from serving import logs
from serving.prediction_log import segments

_SEGMENT_BYTES = 8 * 1024 * 1024
_SEGMENT_SECONDS = 60.0
_CHECK_SECONDS = 0.25
"""Seconds between two checks of what waits on disk. Between them a writer counts its own bytes, so
the capacity may be passed by what the other workers write in that time."""
_RETRY_SECONDS = 0.02
"""Seconds without an attempt after a refusal, so that a full journal costs callers nothing."""


class Journal:
    """One process's writer; used on one thread."""

    def __init__(
        self,
        folder: Path,
        capacity: int,
        *,
        segment_bytes: int = _SEGMENT_BYTES,
        segment_seconds: float = _SEGMENT_SECONDS,
    ) -> None:
        """Write under `folder`, as long as less than `capacity` bytes wait there.

        Nothing is touched before the first append, so it may be made before a fork.

        Args:
            folder: all writers' common folder; made if it is missing.
            capacity: bytes that may wait, of all writers together.
            segment_bytes: size from which on a segment is closed, so that it can be deleted.
            segment_seconds: age from which on it is.
        """
        self._folder = folder
        self._capacity = capacity
        self._segment_bytes = min(segment_bytes, max(capacity // 8, 1))
        self._segment_seconds = segment_seconds
        self._own: Path | None = None
        self._lock = self._file = -1
        self._begin = self._end = self._seal_at = 0
        self._born = 0.0
        self._room = 0
        self._check_at = self._retry_at = 0.0
        self._trouble = ""

    def append(self, records: Sequence[bytes]) -> bool:
        """Keep encoded records, all or none.

        Returns:
            True: they reach the tables, whatever becomes of this process. False: they were
            dropped, as too much waits or the disk refuses; the log's events say which.
        """
        frame = segments.pack(records)
        size = len(frame)
        now = time.monotonic()
        if (now >= self._check_at or size > self._room) and not self._check(size, now):
            return False
        try:
            written = os.write(self._file, frame)
        except OSError as error:
            return self._refuse(now, "journal_write_failed", error=str(error))
        self._end += written
        self._room -= written
        if self._end >= self._seal_at or written != size:
            self._seal()
        if written != size:  # what is there of it is skipped as torn
            return self._refuse(now, "journal_write_failed", error="the disk took a part only")
        if self._trouble:
            self._recover()
        return True

    def close(self) -> None:
        """Let the agent read and delete everything; a later append begins anew."""
        self._seal()
        if self._lock >= 0:
            os.close(self._lock)
        self._lock, self._own = -1, None
        self._begin = self._end = 0
        self._check_at = 0.0

    def _check(self, size: int, now: float) -> bool:
        """Whether `size` bytes may be written, by what is on disk now."""
        if now < self._retry_at:
            return False
        try:
            self._ready(now)
        except OSError as error:
            return self._refuse(now, "journal_write_failed", error=str(error))
        self._check_at = now + _CHECK_SECONDS
        self._room = self._capacity - segments.waiting(self._folder)
        if size > self._room:
            return self._refuse(now, "journal_full", capacity=self._capacity)
        return True

    def _ready(self, now: float) -> None:
        """Have a segment that is young enough and still in its folder."""
        if self._file >= 0 and os.fstat(self._file).st_nlink == 0:
            self.close()
        if self._end > self._begin and now - self._born > self._segment_seconds:
            self._seal()
        if self._own is None:
            self._own, self._lock = segments.claim(self._folder)
        if self._file < 0:
            self._open(self._own, now)

    def _open(self, own: Path, now: float) -> None:
        try:
            self._file = segments.create(own, self._end)
        except FileNotFoundError:  # the folder was removed
            self.close()
            raise
        self._begin, self._seal_at = self._end, self._end + self._segment_bytes
        self._born = now

    def _seal(self) -> None:
        """Close the segment; the next check, which the next append makes, begins another."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
        self._check_at = 0.0

    def _refuse(self, now: float, event: str, **fields: object) -> bool:
        """Drop; the event is logged once, until something is kept again."""
        self._room = 0
        self._retry_at = now + _RETRY_SECONDS
        if event != self._trouble:
            self._trouble = event
            logs.warning(event, folder=str(self._folder), **fields)
        return False

    def _recover(self) -> None:
        logs.info("journal_keeps", folder=str(self._folder), after=self._trouble)
        self._trouble = ""
