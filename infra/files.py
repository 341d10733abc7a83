"""Files that are whole or not there, that only their owner may read, and that keep attributes."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

_PRIVATE_DIR = 0o700


def private_folder(path: Path) -> Path:
    """The folder `path`, made with its parents where missing, each mode 0700."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=_PRIVATE_DIR, exist_ok=True)
    return path


def keeps_attributes(folder: Path) -> bool:
    """Whether a file in `folder` may have user attributes, as far as can be tried."""
    if not hasattr(os, "setxattr"):  # Linux only; macOS's file systems have them
        return True
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.setxattr(file.fileno(), "user.slipway", b"")
    except OSError as error:
        return error.errno != errno.ENOTSUP
    return True


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Put `text` at `path`, so that a reader sees the old text or the new.

    Raises:
        OSError: the disk is full or read-only; the old text is still there.
    """
    private_folder(path.parent)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(handle, mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
