"""One operation at a time on a stack: a lock that dies with its holder.

The system's file lock is the authority, so a killed holder leaves nothing to clean up;
the text in the file only says who it is.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from infra.errors import StackLockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def hold(path: Path, stack: str, operation: str) -> Iterator[None]:
    """Hold the lock of `stack`, a file at `path`, for `operation`.

    Raises:
        StackLockedError: another process holds it; names operation, pid and since when.
    """
    handle = _acquire(path, stack)
    try:
        holder = {"operation": operation, "pid": os.getpid(), "since": time.strftime("%H:%M:%S")}
        os.truncate(handle, 0)
        os.pwrite(handle, json.dumps(holder).encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _acquire(path: Path, stack: str) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(handle)
            os.close(handle)
            raise StackLockedError(
                f"stack {stack} is locked by {holder}: wait for it, or end it; nothing was changed"
            ) from None
        if _is_current(handle, path):
            return handle
        os.close(handle)


def _is_current(handle: int, path: Path) -> bool:
    """Whether the locked file is the one at `path`, and not one its holder just removed."""
    try:
        return os.fstat(handle).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _holder(handle: int) -> str:
    try:
        holder = json.loads(os.pread(handle, 4096, 0))
    except ValueError:
        return "an operation that just started"
    return f"`slipway {holder['operation']}` (pid {holder['pid']}, since {holder['since']})"
