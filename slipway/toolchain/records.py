"""What the tool cache remembers: `tools.json` and `versions.json`.

`tools.json` is read by others: {name: {"path", "version", "source"}}, `source` being how
the tool came here ("path", "release" or "go"). `versions.json` is ours: what each program
on PATH answered when it was asked for its version, for as long as its size and time stay
the same. Both are rewritten whole; one that cannot be read counts as empty.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from infra.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.toolchain.resolution import Resolution

# A tool cache may be another user's, too.
_READABLE: Final = 0o644


class Records:
    """The two files of one tool cache, read once and written on `save`."""

    def __init__(self, tools_dir: Path) -> None:
        self._tools_file = tools_dir / "tools.json"
        self._versions_file = tools_dir / "versions.json"
        self._tools = _read(self._tools_file)
        self._versions = _read(self._versions_file)
        self._changed = False

    def reread(self) -> None:
        """See what another process wrote meanwhile; answers heard since are kept."""
        self._tools = _read(self._tools_file)
        self._versions = _read(self._versions_file) | self._versions

    def put(self, resolution: Resolution, source: str) -> None:
        """Record a tool and how it came here."""
        path, version = str(resolution.path), resolution.version
        self._set(
            self._tools,
            resolution.name,
            {"path": path, "version": version, "source": source},
        )

    def has(self, name: str) -> bool:
        """Whether a tool was recorded by a former call and still lies where it did."""
        entry = _read(self._tools_file).get(name)
        return isinstance(entry, dict) and os.path.exists(entry.get("path", ""))  # noqa: PTH110

    def answered(self, path: Path) -> str | None:
        """What this very file answered before: "" if no version; None if it never was asked."""
        entry = self._versions.get(str(path))
        if isinstance(entry, dict) and entry.get("stamp") == _stamp(path):
            return str(entry.get("version", ""))
        return None

    def remember(self, path: Path, version: str) -> None:
        """Keep what a file answered, "" if it did not tell its version."""
        self._set(self._versions, str(path), {"stamp": _stamp(path), "version": version})

    @property
    def changed(self) -> bool:
        """Whether there is something to save."""
        return self._changed

    def save(self) -> None:
        """Write both files, each in one step."""
        if self._changed:
            write_atomically(self._tools_file, _json(self._tools), _READABLE)
            write_atomically(self._versions_file, _json(self._versions), _READABLE)
            self._changed = False

    def _set(self, document: dict[str, Any], key: str, entry: dict[str, str]) -> None:
        if document.get(key) != entry:
            document[key] = entry
            self._changed = True


def _stamp(path: Path) -> str:
    facts = path.stat()
    return f"{facts.st_size}:{facts.st_mtime_ns}"


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True) + "\n"
