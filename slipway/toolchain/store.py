"""Where the cache keeps tools: `tools/store/<name>-<version>-<origin>/bin/<program>`.

A folder there is whole or absent: it is filled elsewhere and renamed in one step, and
never changed. So what is in it needs no second look.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from slipway.toolchain.resolution import Origin, Resolution

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.toolchain.tool import Tool


@dataclass(frozen=True)
class Store:
    """The store of one tool cache."""

    tools_dir: Path

    def find(self, tool: Tool) -> Resolution | None:
        """The tool in its pinned version, if it was brought before."""
        for origin in get_args(Origin):
            path = self._folder(tool, origin) / "bin" / tool.name
            if path.exists():
                return Resolution(tool.name, path, tool.version_by(origin), "cache")
        return None

    def stage(self, name: str) -> Path:
        """An empty folder on the store's own disk, to fill and then `commit`."""
        folder = self._stage / name
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "bin").mkdir(parents=True)
        return folder

    def commit(self, tool: Tool, origin: Origin, staged: Path) -> Resolution:
        """Take over a filled folder as a tool."""
        folder = self._folder(tool, origin)
        folder.parent.mkdir(exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        staged.replace(folder)
        return Resolution(tool.name, folder / "bin" / tool.name, tool.version_by(origin), origin)

    @property
    def work(self) -> Path:
        """Where Go keeps what its builds need and the tools do not."""
        return self.tools_dir / "go"

    def has_work(self) -> bool:
        """Whether somebody was interrupted who would have removed what he needed."""
        return self.work.exists() or self._stage.exists()

    def clear_work(self) -> None:
        """Remove what only bringing tools needs."""
        self.clear_stage()
        shutil.rmtree(self.work, ignore_errors=True)

    def clear_stage(self) -> None:
        """Remove what was staged and not committed."""
        shutil.rmtree(self._stage, ignore_errors=True)

    @property
    def _stage(self) -> Path:
        return self.tools_dir / "stage"

    def _folder(self, tool: Tool, origin: Origin) -> Path:
        return self.tools_dir / "store" / f"{tool.name}-{tool.version_by(origin)}-{origin}"


def origin_of(resolution: Resolution) -> str:
    """How a tool came here: "path", "release" or "go"."""
    if resolution.source != "cache":
        return resolution.source
    return resolution.path.parent.parent.name.rpartition("-")[2]
