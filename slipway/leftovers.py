"""What is left of Pulumi's operations in the state: of a killed one, and of all at the end.

Owns where the file backend keeps states and locks. Does not start Pulumi.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from infra.errors import StackLockedError
from infra.home import project_name
from infra.targets.processes import marker

if TYPE_CHECKING:
    from infra.home import Home

# In the environment of each Pulumi process of ours: whose it is.
OPERATION = "SLIPWAY_OPERATION_PID"
# How files of states end, after what they are.
_ENDS = ("", ".gz")
_GZIP = b"\x1f\x8b"


def clear(home: Home, name: str) -> None:
    """Undo what a killed operation left: its processes, its lock on the state.

    Call it with the stack's own lock held: then no other operation of ours is alive.

    Raises:
        StackLockedError: a `pulumi` that somebody runs by hand holds the state.
    """
    _end_orphans(home)
    for lock in _lock_files(home, name):
        holder = _alive(json.loads(lock.read_text() or "{}").get("pid"))
        if holder:
            raise StackLockedError(
                f"stack {name} is locked by {holder.name()} (pid {holder.pid}): wait for it,"
                " or end it; nothing was changed"
            )
        lock.unlink(missing_ok=True)
    _mend_state(home, name)


def remove_home(home: Home) -> None:
    """Remove all that is kept on this machine but the tool cache, once no stack is left.

    A stack is left as long as there is a state of it in any form, a folder, or a process.
    """
    folders = home.path / "stacks"
    if _states(home) or any(folders.glob("*")) or _any_lives_in(folders):
        return
    for path in (
        home.state,
        home.pulumi,
        home.project,
        home.bin.parent,
        home.path / "stacks",
        home.path / "locks",
    ):
        shutil.rmtree(path, ignore_errors=True)
    home.passphrase.unlink(missing_ok=True)
    home.tools_record.unlink(missing_ok=True)


def state_file(home: Home, name: str) -> Path:
    """Where the backend keeps the state of a stack.

    That is as we have Pulumi write it, unless an earlier one took a form from its shell and is
    newer: compressed, or in the layout without projects. Pulumi goes on with either.
    """
    folder = _pulumi_folder(home) / "stacks"
    ours = folder / project_name()
    places = [place / f"{name}.json{end}" for place in (ours, folder) for end in _ENDS]
    there = [path for path in places if path.is_file()]
    return max(there, key=lambda path: path.stat().st_mtime_ns, default=places[0])


def state_files(home: Home) -> list[Path]:
    """Where the backend keeps the states of all stacks, as `PROJECT/STACK.json`."""
    return sorted((_pulumi_folder(home) / "stacks").glob("*/*.json"))


def state_text(path: Path) -> str:
    """What a file of the backend's holds, compressed or not."""
    content = path.read_bytes()
    return (gzip.decompress(content) if content.startswith(_GZIP) else content).decode("utf-8")


def _mend_state(home: Home, name: str) -> None:
    """Put the backup in the place of a state that was killed while it was written.

    Without a backup the state was the first; what it knew of is made again, over what runs.
    """
    state = state_file(home, name)
    if state.exists() and not _is_whole(state):
        backup = state.with_name(f"{state.name}.bak")
        if backup.exists() and _is_whole(backup):
            backup.replace(state)
        else:
            state.unlink()


def _is_whole(state: Path) -> bool:
    try:
        return "checkpoint" in json.loads(state_text(state))
    except (OSError, EOFError, ValueError, TypeError, zlib.error):
        return False


def _states(home: Home) -> list[Path]:
    """The states of all stacks, of whatever project and in whatever form."""
    folder = _pulumi_folder(home) / "stacks"
    return [path for end in _ENDS for path in folder.rglob(f"*.json{end}")]


def _pulumi_folder(home: Home) -> Path:
    return home.state / ".pulumi"


def _lock_files(home: Home, name: str) -> list[Path]:
    """The locks of a stack, in the layout without projects, too."""
    folder = _pulumi_folder(home) / "locks"
    found = (folder.glob(f"{place}/*.json") for place in (f"*/{project_name()}/{name}", name))
    return sorted(path for paths in found for path in paths)


def _any_lives_in(folder: Path) -> bool:
    """Whether a process of any stack works in a folder, be it one that is no more."""
    for process in psutil.process_iter():
        try:
            if marker.VARIABLE in process.environ() and _is_in(process.cwd(), folder):
                return True
        except (psutil.Error, OSError):
            continue
    return False


def _is_in(path: str, folder: Path) -> bool:
    return Path(path).is_relative_to(folder.resolve())


def _alive(pid: int | None) -> psutil.Process | None:
    try:
        process = psutil.Process(pid) if pid else None
        return process if process and "pulumi" in process.name() else None
    except psutil.Error:
        return None


def _end_orphans(home: Home) -> None:
    """End the Pulumi processes whose `slipway` is no more."""
    marker.end([process for process in psutil.process_iter() if _is_orphan(process, home)])


def _is_orphan(process: psutil.Process, home: Home) -> bool:
    try:
        variables = process.environ()
    except (psutil.Error, OSError):
        return False
    owner = variables.get(OPERATION, "")
    ours = variables.get("SLIPWAY_HOME") == str(home.path)
    return ours and owner.isdigit() and process.pid != os.getpid() and int(owner) != os.getpid()
