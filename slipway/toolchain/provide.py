"""Have the tools: find what is here, bring what is not, keep `tools/bin` in order.

Owns the order of ways: PATH, cache, release, Go. The ways themselves are `find`, `store`,
`release` and `gobuild`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from infra.errors import ToolMissingError
from slipway.file_lock import locked
from slipway.toolchain import bin_folder, find
from slipway.toolchain.host import Host
from slipway.toolchain.records import Records
from slipway.toolchain.store import Store, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from slipway.toolchain.bin_folder import Entry
    from slipway.toolchain.resolution import Progress, Resolution
    from slipway.toolchain.tool import Tool

_CAME = {"release": "from its release", "go": "built with Go"}
_WAITING = "waiting for another slipway that is at work on the tools"


def resolve(name: str, tools_dir: Path, host: Host | None = None) -> Resolution | None:
    """A tool that is already here, on PATH or in the cache; None if it would be brought.

    Goes to no network and writes nothing.
    """
    cache = _Cache(tools_dir.absolute(), host or Host.here())
    return cache.find([cache.host.tools[name]]).get(name)


def ensure(
    names: Iterable[str],
    *,
    tools_dir: Path,
    progress: Progress,
    host: Host | None = None,
) -> dict[str, Resolution]:
    """Have these tools, bringing those that are missing, each of them in `tools/bin`.

    A tool that the platform can do without, and that cannot be had, is not in the answer.
    `progress` hears of whom ("pulumi", "releases", "go") something goes on with, and what.

    Raises:
        ToolMissingError: a tool cannot be had (which, why, and the ways to get it), or the
            cache cannot be written.
        ChecksumError: an archive is not what was published or pinned.
    """
    cache = _Cache(tools_dir.absolute(), host or Host.here())
    tools = [cache.host.tools[name] for name in dict.fromkeys(names)]
    found = cache.find(tools)
    try:
        if len(found) == len(tools) and cache.settled(found):
            return found
        return cache.fill(tools, progress)
    except OSError as error:
        if cache.suffices(tools):
            return found
        raise ToolMissingError(
            f"the tool cache {tools_dir} cannot be written: {error.strerror or error}; "
            f"make room, or name another folder in SLIPWAY_TOOLS"
        ) from error


def lock(progress: Progress, host: Host | None = None) -> dict[str, str]:
    """Pin the published checksums of all releases in the lock file, and return them.

    Raises:
        ToolMissingError: some cannot be had; the lock file stays as it was.
    """
    from slipway.toolchain.checksums import write_lock  # noqa: PLC0415 - as in `fill`

    host = host or Host.here()
    return write_lock(host.tools.values(), host.lock, progress)


class _Cache:
    """One tool cache on one machine, as one call works on it."""

    def __init__(self, tools_dir: Path, host: Host) -> None:
        self.host = host
        self._tools_dir = tools_dir
        self._bin = tools_dir / "bin"
        self._store = Store(tools_dir)
        self._records = Records(tools_dir)
        self._search = find.without(host.path, (self._bin, *host.ours))

    def find(self, tools: Sequence[Tool]) -> dict[str, Resolution]:
        """Those tools that are on PATH or in the store."""
        resolutions = {}
        for tool in tools:
            resolution = find.on_path(tool, self._search, self.host, self._records)
            resolution = resolution or self._store.find(tool)
            if resolution:
                resolutions[tool.name] = resolution
        return resolutions

    def settled(self, resolutions: dict[str, Resolution]) -> bool:
        """Whether the records and `tools/bin` say what was found, and no work lies about."""
        self._record(resolutions)
        untidy = self._complete(resolutions) and self._store.has_work()
        return not (untidy or self._records.changed or self._stale(resolutions))

    def suffices(self, tools: Sequence[Tool]) -> bool:
        """Whether all that cannot be done without is in order, for a cache that is read-only."""
        needed = [tool for tool in tools if tool.go]
        return all(self._records.has(tool.name) for tool in needed) and all(
            (self._bin / program).exists() for tool in needed for program in tool.programs
        )

    def fill(self, tools: Sequence[Tool], progress: Progress) -> dict[str, Resolution]:
        """Bring what is missing, with one process at a time at work on the cache."""
        self._bin.mkdir(parents=True, exist_ok=True)
        with locked(self._tools_dir / "lock", lambda: progress("tools", _WAITING)):
            self._records.reread()
            resolutions = self.find(tools)
            missing = [tool for tool in tools if tool.name not in resolutions]
            # httpx alone takes longer to import than all the rest of a call that finds all.
            from slipway.toolchain.provision import bring  # noqa: PLC0415 - see above

            try:
                for resolution in bring(missing, self.host, self._store, progress):
                    resolutions[resolution.name] = resolution
                    progress(resolution.name, f"{resolution.version} {_CAME[resolution.source]}")
            finally:
                # What came before an error is kept.
                self._settle(resolutions)
            if self._complete(resolutions):
                self._store.clear_work()
        return {tool.name: resolutions[tool.name] for tool in tools if tool.name in resolutions}

    def _complete(self, resolutions: dict[str, Resolution]) -> bool:
        tools = self.host.tools.values()
        needed = {tool.name for tool in tools if tool.go and tool.group == "platform"}
        return needed <= resolutions.keys()

    def _settle(self, resolutions: dict[str, Resolution]) -> None:
        bin_folder.write(self._bin, self._stale(resolutions))
        self._record(resolutions)
        self._records.save()

    def _record(self, resolutions: dict[str, Resolution]) -> None:
        for resolution in resolutions.values():
            self._records.put(resolution, origin_of(resolution))

    def _stale(self, resolutions: dict[str, Resolution]) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for name, resolution in resolutions.items():
            search = f"{resolution.path.parent}{os.pathsep}{self._search}"
            entries |= find.programs(self.host.tools[name], search)
        return bin_folder.stale(self._bin, entries)
