"""Files that are whole or not there, and that only their owner may read."""

from __future__ import annotations

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


def write_atomically(path: Path, text: str) -> None:
    """Put `text` at `path`, mode 0600, so that a reader sees the old text or the new.

    Raises:
        OSError: the disk is full or read-only; the old text is still there.
    """
    private_folder(path.parent)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
