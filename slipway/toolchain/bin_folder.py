"""`tools/bin`: every tool by its name, so that this one folder on PATH suffices.

Holds links, and the two small programs of our own that Pulumi wants on PATH. Those lead
to the interpreter of this very environment, from wherever a person starts Pulumi.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from slipway.toolchain.records import write_whole

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


def stale(folder: Path, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Those entries that are missing or lead elsewhere."""
    return {name: entry for name, entry in entries.items() if _entry(folder / name) != entry}


def write(folder: Path, entries: Mapping[str, Entry]) -> None:
    """Make entries, each in one step."""
    for name, entry in entries.items():
        if isinstance(entry, str):
            write_whole(folder / name, entry, mode=0o755)
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
