"""Bring tools that are not here: from their releases, and what is left with Go."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from infra.errors import ToolMissingError
from infra.versions import GO_AT_LEAST
from slipway.toolchain.find import ask
from slipway.toolchain.gobuild import GoBuilder
from slipway.toolchain.golang import GoError
from slipway.toolchain.release import Releases
from slipway.toolchain.resolution import ChecksumError
from slipway.toolchain.sites import NotServedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from slipway.toolchain.host import Host
    from slipway.toolchain.resolution import Origin, Progress, Resolution
    from slipway.toolchain.store import Store
    from slipway.toolchain.tool import Tool


def bring(
    tools: Sequence[Tool], host: Host, store: Store, progress: Progress
) -> Iterator[Resolution]:
    """Each tool as soon as it is in the store; one that can be done without may be left out.

    Raises:
        ToolMissingError: one that is needed cannot be had; names the ways to get it.
        ChecksumError: an archive of one that is needed is not what it should be.
    """
    refused: dict[str, str] = {}
    try:
        yield from _released(tools, Releases(host, store, progress), store, refused)
        _tell(refused, tools, progress)
        left = [tool for tool in tools if tool.name in refused and tool.go]
        if left:
            yield from _built(left, host, store, progress, refused)
    finally:
        store.clear_stage()


def _tell(refused: Mapping[str, str], tools: Sequence[Tool], progress: Progress) -> None:
    for reason in dict.fromkeys(refused.values()):
        names = ", ".join(name for name, why in refused.items() if why == reason)
        progress("releases", f"no {names}: {reason}")
    for tool in tools:
        if tool.name in refused and not tool.go:
            progress(tool.name, "going on without it")


def _released(
    tools: Sequence[Tool], releases: Releases, store: Store, refused: dict[str, str]
) -> Iterator[Resolution]:
    with releases:
        for tool in tools:
            try:
                staged = releases.stage(tool)
            except NotServedError as error:
                refused[tool.name] = str(error)
                continue
            except ChecksumError as error:
                if tool.go:
                    raise
                refused[tool.name] = str(error)
                continue
            if problem := _unfit(tool, "release", staged):
                refused[tool.name] = problem
            else:
                yield store.commit(tool, "release", staged)


def _built(
    tools: Sequence[Tool],
    host: Host,
    store: Store,
    progress: Progress,
    refused: Mapping[str, str],
) -> Iterator[Resolution]:
    left = {tool.name: tool for tool in tools}
    try:
        builder = GoBuilder(host, store, progress)
        for module, group in groupby(tools, key=_module):
            for name, staged in builder.stage(module, list(group)).items():
                _require_fit(left[name], staged)
                yield store.commit(left.pop(name), "go", staged)
        store.clear_work()
    except GoError as error:
        reasons = "; ".join(dict.fromkeys(refused[name] for name in left))
        raise ToolMissingError(_three_ways(list(left.values()), reasons, str(error))) from None


def _module(tool: Tool) -> str:
    return tool.go.module if tool.go else ""


def _require_fit(tool: Tool, staged: Path) -> None:
    if problem := _unfit(tool, "go", staged):
        raise GoError(problem)


def _unfit(tool: Tool, origin: Origin, staged: Path) -> str:
    """Why a staged tool cannot be used, "" if it can."""
    if not tool.answers:
        return ""
    version, due = ask(tool, staged / "bin" / tool.name), tool.version_by(origin)
    if version == due:
        return ""
    return f"{tool.name} by {origin} answers {version or 'nothing'} for its version, not {due}"


def _three_ways(tools: Sequence[Tool], unreachable: str, no_go: str) -> str:
    wanted = "; ".join(f"{tool.name} {tool.pin.accepted}" for tool in tools)
    names = ", ".join(tool.name for tool in tools)
    return (
        f"missing: {names}. Three ways to get them: install them on PATH ({wanted}); "
        f"let this machine reach their releases ({unreachable}); "
        f"install Go {GO_AT_LEAST} or newer, which builds them ({no_go})"
    )
