"""The model cache on disk: blobs by digest.

Owns `<cache_dir>/blobs`. Every write is atomic and every read is verified, so a crash or a damaged
file can cost a download, never a wrong model. The agent writes, it and all workers read.
"""

import hashlib
import os
import tempfile
from collections.abc import Collection
from pathlib import Path


def digest_of(data: bytes) -> str:
    """The OCI digest of some bytes, `sha256:<hex>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Cache:
    """Blobs by digest under `<root>/blobs/sha256/`."""

    def __init__(self, root: Path) -> None:
        """Keep blobs under `root`; nothing is touched yet."""
        self._blobs = root / "blobs" / "sha256"
        self._intact: dict[str, tuple[int, int, int]] = {}

    def get(self, digest: str) -> bytes | None:
        """The blob, or None where it is missing, unreadable or damaged."""
        try:
            data = self._path(digest).read_bytes()
        except OSError:
            return None
        return data if digest_of(data) == digest else None

    def intact(self, digest: str) -> bool:
        """Whether the blob is there and whole; cheap while its file is as it was last time."""
        try:
            status = self._path(digest).stat()
        except OSError:
            return False
        fingerprint = (status.st_ino, status.st_mtime_ns, status.st_size)
        if self._intact.get(digest) != fingerprint:
            if self.get(digest) is None:
                return False
            self._intact[digest] = fingerprint
        return True

    def put(self, digest: str, data: bytes) -> None:
        """Store a verified blob. Raises OSError when the disk does not take it."""
        replace_file(self._path(digest), data)

    def prune(self, kept: Collection[str]) -> None:
        """Drop all blobs but those of the given digests, which must be all that a state names.

        Raises:
            OSError: the folder cannot be changed.
        """
        names = {self._path(digest).name for digest in kept}
        self._intact = {digest: known for digest, known in self._intact.items() if digest in kept}
        if not self._blobs.exists():
            return
        for path in self._blobs.iterdir():
            if path.name not in names and not path.name.startswith("."):
                path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file in one step, flushed to disk; a reader sees all of it or the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
