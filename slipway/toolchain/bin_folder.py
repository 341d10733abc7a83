"""Folders for PATH: `tools/bin` with every tool by its name, and the environment's own.

The environment's own holds the two small programs that Pulumi wants on PATH, which lead to
its interpreter from wherever a person starts Pulumi. `tools/bin` may be several clones'.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from infra.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a name stands for: the target of a link, or the text of a script.
Entry: TypeAlias = Path | str


def dynamic_provider(python: str) -> str:
    """`pulumi-resource-pulumi-python`, which the CLI starts for our dynamic provider."""
    return f'#!/bin/sh\nexec {shlex.quote(python)} -u -m pulumi.dynamic "$@"\n'


def language_host(python: str, host: Path) -> str:
    """`pulumi-language-python`, for our interpreter unless another one is asked for.

    A host that was built with Go is older than the project's `virtualenv` setting, and
    would take whatever Python comes first on PATH.
    """
    return (
        f"#!/bin/sh\n: ${{PULUMI_PYTHON_CMD:={shlex.quote(python)}}}\n"
        f'export PULUMI_PYTHON_CMD\nexec {shlex.quote(str(host))} "$@"\n'
    )


def write_own(folder: Path, tools_bin: Path, python: str) -> None:
    """Have the environment's own folder lead to its interpreter and to the tools."""
    entries: dict[str, Entry] = {
        "pulumi": tools_bin / "pulumi",
        "pulumi-language-python": language_host(python, tools_bin / "pulumi-language-python"),
        "pulumi-resource-pulumi-python": dynamic_provider(python),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, stale(folder, entries))


def stale(folder: Path, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Those entries that are missing or lead elsewhere."""
    return {name: entry for name, entry in entries.items() if _entry(folder / name) != entry}


def write(folder: Path, entries: Mapping[str, Entry]) -> None:
    """Make entries, each in one step."""
    for name, entry in entries.items():
        if isinstance(entry, str):
            write_atomically(folder / name, entry, mode=0o755)
        else:
            draft = folder / f".{name}.{os.getpid()}"
            draft.unlink(missing_ok=True)
            draft.symlink_to(entry)
            draft.replace(folder / name)


def _entry(path: Path) -> Entry | None:
    try:
        return path.readlink() if path.is_symlink() else path.read_bytes().decode(errors="replace")
    except OSError:
        return None
