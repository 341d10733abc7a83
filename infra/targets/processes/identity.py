"""Which folder a stack's folder is: told by a small file in it, never by the path's spelling.

A folder that was moved has the inode that its file records; a copy has another one, so it is
another folder, whatever the copied file says.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from infra.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "identity.json"


@dataclass(frozen=True)
class Identity:
    """What a folder's file says of it.

    `id` marks the stack's processes and `former` are the ids that the folder had before.
    `owner` is the resource in the state that may remove the folder. `device`, `inode` and
    `path` are where the folder was when its file was written.
    """

    id: str
    owner: str
    device: int
    inode: int
    path: str
    former: list[str] = field(default_factory=list)

    def is_of(self, folder: Path) -> bool:
        """Whether `folder` is the very one that this was written for, wherever it lies now."""
        return (self.device, self.inode) == _place(folder)

    def stands_elsewhere(self, folder: Path) -> bool:
        """Whether the folder that this was written for is still there, and is not `folder`."""
        if self.is_of(folder) or self.path == str(folder):
            return False
        original = _read(os.path.join(self.path, _FILE))  # noqa: PTH118 - only a path as text
        return original is not None and original.id == self.id


def recorded(folder: Path) -> Identity | None:
    """What the file in `folder` says, even if it was copied; None without one."""
    return _read(folder / _FILE)


def is_copy(folder: Path) -> bool:
    """Whether `folder` was copied from one that is still there."""
    known = recorded(folder)
    return known is not None and known.stands_elsewhere(folder)


def has_moved(folder: Path) -> bool:
    """Whether what runs in `folder` was started when it lay elsewhere, or was another one."""
    known = recorded(folder)
    return known is not None and not (known.is_of(folder) and known.path == str(folder))


def claim(folder: Path, owner: str | None = None) -> Identity:
    """Write down that `folder` is where it is, and `owner`'s; a copied one gets an id of its own.

    Raises:
        OSError: there is no such folder, or its file cannot be written.
    """
    known = recorded(folder)
    device, inode = _place(folder)
    kept = known if known and known.is_of(folder) else None
    claimed = Identity(
        id=kept.id if kept else secrets.token_hex(8),
        owner=owner or (known.owner if known else ""),
        device=device,
        inode=inode,
        path=str(folder),
        former=kept.former if kept else [known.id, *known.former] if known else [],
    )
    if claimed != known:
        write_atomically(folder / _FILE, json.dumps(asdict(claimed), indent=1))
    return claimed


def _place(folder: Path) -> tuple[int, int]:
    facts = folder.stat()
    return facts.st_dev, facts.st_ino


def _read(file: Path | str) -> Identity | None:
    try:
        with open(file, encoding="utf-8") as text:  # noqa: PTH123 - either kind of path
            fields: dict[str, Any] = json.load(text)
        return Identity(**fields)
    except (OSError, ValueError, TypeError):
        return None
