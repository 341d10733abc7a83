"""The journal on disk: a folder a writer, segments, frames, and how much of them waits.

Owns names and forms, which the writers in the workers and the reader in the agent share:
`<journal>/<writer>/<position>.segment`, where a position counts a writer's bytes over all of its
segments and never falls, so that one number says how far a writer was read. A frame is what one
append brought: its length, its CRC-32, and a MessagePack array of records; so an append is read
whole or not at all. A writer holds a lock for as long as it lives, which the kernel takes back
from one that is killed. `shipped` beside the segments says what is in the tables.
"""

import fcntl
import os
import secrets
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

_HEAD = struct.Struct("<II")
HEAD_SIZE = _HEAD.size
_SUFFIX = ".segment"
_SHIPPED = "shipped"
_LOCK = "lock"
_FEW = 16


def pack(records: Sequence[bytes]) -> bytes:
    """One frame of records that are MessagePack each."""
    count = len(records)
    head = bytes((0x90 | count,)) if count < _FEW else b"\xdd" + count.to_bytes(4, "big")
    body = head + (records[0] if count == 1 else b"".join(records))
    return _HEAD.pack(len(body), crc32(body)) + body


def split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The whole frames at the beginning of `data`: where each ends, and its body."""
    at = 0
    while len(data) - at >= _HEAD.size:
        length, checksum = _HEAD.unpack_from(data, at)
        begin, at = at + _HEAD.size, at + _HEAD.size + length
        # A length of zero is what a disk leaves where nothing was written.
        if not length or at > len(data):
            return
        body = data[begin:at]
        if crc32(body) != checksum:
            return
        yield at, body


def first_size(data: bytes) -> int:
    """How long the frame at the beginning of `data` says it is, or 0 where none begins."""
    return _HEAD.size + _HEAD.unpack_from(data)[0] if len(data) >= _HEAD.size else 0


def claim(journal: Path) -> tuple[Path, int]:
    """Make a writer's folder that no other has or had, in any process on any machine.

    Returns:
        The folder, and the open file whose lock says that its writer lives.

    Raises:
        OSError: the disk refuses.
    """
    journal.mkdir(parents=True, exist_ok=True)
    name = f"{os.getpid()}-{time.time_ns()}-{secrets.token_hex(4)}"
    # No reader sees the folder before its lock is held: it would look like a dead writer's.
    unseen = journal / f".{name}"
    unseen.mkdir()
    lock = os.open(unseen / _LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return unseen.rename(journal / name), lock


def lives(writer: Path) -> bool:
    """Whether the folder's writer may still write."""
    try:
        lock = os.open(writer / _LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def writers(journal: Path) -> list[Path]:
    """The folders of all writers, dead ones too, oldest first as far as clocks say."""
    try:
        folders = [path for path in journal.iterdir() if path.name[:1].isdigit()]
    except OSError:
        return []
    return sorted(folders, key=lambda path: path.name.split("-")[1:])


def create(writer: Path, position: int) -> int:
    """Begin a segment; the open file. Raises OSError when the disk refuses."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
    return os.open(path_of(writer, position), flags, 0o600)


def path_of(writer: Path, position: int) -> Path:
    """The segment that begins at a position."""
    return writer / f"{position:020d}{_SUFFIX}"


def positions(writer: Path) -> list[int]:
    """Where the writer's segments begin, in order. Empty where the folder has gone."""
    try:
        stems = [path.stem for path in writer.iterdir() if path.suffix == _SUFFIX]
    except OSError:
        return []
    return sorted(int(stem) for stem in stems if stem.isdigit())


def end_of(writer: Path) -> int:
    """The position after all that was written."""
    begins = positions(writer)
    try:
        return begins[-1] + path_of(writer, begins[-1]).stat().st_size if begins else 0
    except OSError:
        return 0


def shipped(writer: Path) -> int:
    """The position up to which all is in the tables, by the agent's last note."""
    try:
        return int((writer / _SHIPPED).read_bytes() or 0)
    except (OSError, ValueError):
        return 0


def note_shipped(writer: Path, position: int) -> None:
    """Note that position. Raises OSError when the disk refuses."""
    # Always as many bytes, so that a reader in another process meets no half of it.
    file = os.open(writer / _SHIPPED, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(file, b"%020d" % position, 0)
    finally:
        os.close(file)


def waiting(journal: Path) -> int:
    """Bytes of all writers that are not in the tables yet."""
    return sum(max(0, end_of(writer) - shipped(writer)) for writer in writers(journal))


def remove(writer: Path) -> None:
    """Delete what a dead writer left. Raises OSError when the disk refuses."""
    for path in sorted(writer.iterdir(), key=lambda path: path.name == _LOCK):
        path.unlink()
    writer.rmdir()
