"""What the exit codes of the command line mean, and how an error gets its one."""

from __future__ import annotations

import errno
import shutil
from enum import IntEnum
from typing import TYPE_CHECKING

from infra.errors import SettingsError, SlipwayError, StackLockedError

if TYPE_CHECKING:
    from pathlib import Path

_LEAST_FREE = 2**20


class Exit(IntEnum):
    """Exit codes; scripts may rely on them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REJECTED = 3
    LOCKED = 4
    NOT_UP = 5
    INTERRUPTED = 130


class NotUpError(SlipwayError):
    """The stack is not up."""


_REMEDIES = {
    errno.ENOSPC: "free some space and run the command again; nothing acknowledged is lost",
    errno.EROFS: "it is read-only: make it writable, or set SLIPWAY_HOME to a folder that is",
    errno.EACCES: "give your user the right to write it, or set SLIPWAY_HOME to another folder",
    errno.EDQUOT: "your quota is used up: free some space and run the command again",
}


def code_of(error: SlipwayError) -> Exit:
    """The exit code that an error ends the command with."""
    match error:
        case SettingsError():
            return Exit.USAGE
        case StackLockedError():
            return Exit.LOCKED
        case NotUpError():
            return Exit.NOT_UP
        case _:
            return Exit.FAILED


def full_disk(path: Path) -> str:
    """One line for a disk that has no room for more at `path`; "" for one that has.

    What fails for want of room seldom says so: it cannot write its log either.
    """
    place = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free >= _LEAST_FREE:
        return ""
    return f"the disk of {place} has {free // 1024} KiB left: {_REMEDIES[errno.ENOSPC]}"


def disk_error(error: OSError) -> str | None:
    """One line for trouble of the disk that a person can mend; None for any other."""
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{error.filename or 'disk'}: {error.strerror}: {remedy}" if remedy else None
