"""What the server keeps on disk: blobs by digest, and which release was last in service.

Owns `cache_dir`. Every write is atomic and every read is verified, so a crash or a damaged file
can cost a download, never a wrong model. Several workers share one cache.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import msgspec
from msgspec import Struct

_KEPT_RELEASES = 3


class Release(Struct, frozen=True):
    """A version in the model registry and where its artifact is.

    Attributes:
        version: the model registry's version.
        source: `oci://<repository>@sha256:<digest>`.
    """

    version: str
    source: str


class Current(Struct, frozen=True):
    """The content of `current.json`.

    Attributes:
        name: registered model's name; another one's state is not this server's.
        alias: alias that was followed.
        release: what was last taken into service.
        history: blob digests of the latest releases, newest first, that one included.
    """

    name: str
    alias: str
    release: Release
    history: tuple[tuple[str, ...], ...] = ()


def digest_of(data: bytes) -> str:
    """The OCI digest of some bytes, `sha256:<hex>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Cache:
    """Blobs by digest under `<root>/blobs/sha256/`, and `<root>/current.json`."""

    def __init__(self, root: Path, name: str, alias: str) -> None:
        """Keep the state of one model's alias under `root`; nothing is touched yet."""
        self._blobs = root / "blobs" / "sha256"
        self._current = root / "current.json"
        self._name = name
        self._alias = alias

    def get(self, digest: str) -> bytes | None:
        """The blob, or None where it is missing, unreadable or damaged."""
        try:
            data = self._path(digest).read_bytes()
        except OSError:
            return None
        return data if digest_of(data) == digest else None

    def put(self, digest: str, data: bytes) -> None:
        """Store a verified blob. Raises OSError when the disk does not take it."""
        _write(self._path(digest), data)

    def recall(self) -> Release | None:
        """The release that was last in service, if one was and its record can be read."""
        current = self._read()
        return current.release if current else None

    def remember(self, release: Release, digests: tuple[str, ...]) -> None:
        """Record what is in service now, and drop blobs of all but the latest releases.

        Raises:
            OSError: the disk does not take it; the earlier record stays.
        """
        earlier = self._read()
        others = [entry for entry in (earlier.history if earlier else ()) if entry != digests]
        history = (digests, *others)[:_KEPT_RELEASES]
        current = Current(self._name, self._alias, release, history)
        _write(self._current, msgspec.json.encode(current))
        self._prune({digest for entry in history for digest in entry})

    def _read(self) -> Current | None:
        try:
            current = msgspec.json.decode(self._current.read_bytes(), type=Current)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        return current if (current.name, current.alias) == (self._name, self._alias) else None

    def _prune(self, kept: set[str]) -> None:
        names = {self._path(digest).name for digest in kept}
        for path in self._blobs.iterdir():
            if path.name not in names and not path.name.startswith("."):
                path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")


def _write(path: Path, data: bytes) -> None:
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
