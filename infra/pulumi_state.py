"""Where Pulumi's file backend keeps states and locks, and what a state's file holds.

A shell's `PULUMI_*` once had Pulumi write some of them compressed, or in the layout without
projects; it goes on with either, and so does whoever reads them here.
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING

from infra.home import project_name

if TYPE_CHECKING:
    from pathlib import Path

    from infra.home import Home

_ENDS = ("", ".gz")
_GZIP = b"\x1f\x8b"


def file(home: Home, stack: str) -> Path:
    """The file of a stack's state: the newest there is, else where Pulumi will write it."""
    folder = _folder(home) / "stacks"
    ours = folder / project_name()
    places = [place / f"{stack}.json{end}" for place in (ours, folder) for end in _ENDS]
    there = [path for path in places if path.is_file()]
    return max(there, key=lambda path: path.stat().st_mtime_ns, default=places[0])


def files_by_project(home: Home) -> list[Path]:
    """Those of all stacks in the layout by projects, as `PROJECT/STACK.json`."""
    return sorted((_folder(home) / "stacks").glob("*/*.json"))


def files(home: Home) -> list[Path]:
    """Those of all stacks, of whatever project and in whatever form."""
    folder = _folder(home) / "stacks"
    return [path for end in _ENDS for path in folder.rglob(f"*.json{end}")]


def locks(home: Home, stack: str) -> list[Path]:
    """The locks of a stack, in the layout without projects, too."""
    folder = _folder(home) / "locks"
    matches = (folder.glob(f"{place}/*.json") for place in (f"*/{project_name()}/{stack}", stack))
    return sorted(path for paths in matches for path in paths)


def text(path: Path) -> str:
    """What a file of the backend's holds, compressed or not."""
    content = path.read_bytes()
    return (gzip.decompress(content) if content.startswith(_GZIP) else content).decode("utf-8")


def is_whole(path: Path) -> bool:
    """Whether the file is a state, and not a part of one that a kill left."""
    try:
        return "checkpoint" in json.loads(text(path))
    except (OSError, EOFError, ValueError, TypeError, zlib.error):
        return False


def _folder(home: Home) -> Path:
    return home.state / ".pulumi"
