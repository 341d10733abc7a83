"""Find a tool on PATH in an accepted version.

Never goes to the network, writes nothing. What a program answers about its version is
remembered while the file stays the same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from infra import environment
from infra.programs import run
from slipway.toolchain.resolution import Resolution

if TYPE_CHECKING:
    from slipway.toolchain.host import Host
    from slipway.toolchain.records import Records
    from slipway.toolchain.tool import Tool

_ANSWER_SECONDS = 20


def on_path(tool: Tool, search: str, host: Host, records: Records) -> Resolution | None:
    """The tool on PATH with all its programs and files, if its version is accepted."""
    if tool.beside:
        return _beside(tool, host.tools[tool.beside], search, records)
    found = shutil.which(tool.name, path=search)
    if not found or set(programs(tool, search)) != set(tool.programs):
        return None
    path = Path(found).resolve() if tool.home else Path(found)
    if not all((path.parent.parent / item).exists() for item in tool.home):
        return None
    return _accepted(tool, path, _version(tool, path, records))


def programs(tool: Tool, search: str) -> dict[str, Path]:
    """Where each program of a tool lies on a search path."""
    found = {program: shutil.which(program, path=search) for program in tool.programs}
    return {program: Path(path) for program, path in found.items() if path}


def without(search: str, ours: tuple[Path, ...]) -> str:
    """A search path but for our own folders: what lies there leads back to the cache."""
    real = {os.path.realpath(folder) for folder in ours}
    kept = [part for part in search.split(os.pathsep) if os.path.realpath(part) not in real]
    return os.pathsep.join(part for part in kept if part) or os.devnull


def ask(tool: Tool, path: Path) -> str:
    """The version that a program answers with, "" if it is not this tool or does not run."""
    try:
        answer = run(
            [str(path), *tool.asks],
            timeout=_ANSWER_SECONDS,
            env=environment.of_pulumi(os.environ.get("PATH", os.defpath), clusters=False)
            | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(tool.answers, answer.stdout + answer.stderr, re.MULTILINE)
    return found[1] if found else ""


def _beside(tool: Tool, leader: Tool, search: str, records: Records) -> Resolution | None:
    found = shutil.which(leader.name, path=search)
    if not found:
        return None
    for folder in (Path(found).parent, Path(found).resolve().parent):
        if set(programs(tool, str(folder))) == set(tool.programs):
            version = _version(leader, Path(found), records)
            return _accepted(tool, folder / tool.name, version)
    return None


def _version(tool: Tool, path: Path, records: Records) -> str:
    known = records.answered(path)
    if known is None:
        known = ask(tool, path)
        records.remember(path, known)
    return known


def _accepted(tool: Tool, path: Path, version: str) -> Resolution | None:
    if not version or not tool.pin.accepts(version):
        return None
    return Resolution(tool.name, path, version, "path")
