"""What is left of Pulumi's operations in the state: of a killed one, and of all at the end.

Owns where the file backend keeps states and locks. Does not start Pulumi.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import psutil

from infra.errors import StackLockedError
from infra.files import write_atomically
from infra.settings import PROJECT
from infra.targets.processes import marker

if TYPE_CHECKING:
    from pathlib import Path

    from infra.home import Home

# In the environment of each Pulumi process of ours: whose it is.
OPERATION = "SLIPWAY_OPERATION_PID"


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
    """Remove all that is kept on this machine but the tool cache, once no stack is left."""
    if any((_pulumi_folder(home) / "stacks" / PROJECT).glob("*.json")):
        return
    for path in (
        home.state,
        home.pulumi,
        home.project,
        home.bin,
        home.path / "stacks",
        home.path / "locks",
    ):
        shutil.rmtree(path, ignore_errors=True)
    home.passphrase.unlink(missing_ok=True)


def state_file(home: Home, name: str) -> Path:
    """Where the backend keeps the state of a stack."""
    return _pulumi_folder(home) / "stacks" / PROJECT / f"{name}.json"


def _mend_state(home: Home, name: str) -> None:
    """Put the backup in the place of a state that was killed while it was written.

    Without a backup the state was the first; what it knew of is made again, over what runs.
    """
    state = state_file(home, name)
    if state.exists() and not _is_whole(state):
        backup = state.with_name(f"{state.name}.bak")
        if backup.exists() and _is_whole(backup):
            write_atomically(state, backup.read_text(encoding="utf-8"))
        else:
            state.unlink()


def _is_whole(state: Path) -> bool:
    try:
        return "checkpoint" in json.loads(state.read_text(encoding="utf-8"))
    except (ValueError, TypeError):
        return False


def _pulumi_folder(home: Home) -> Path:
    return home.state / ".pulumi"


def _lock_files(home: Home, name: str) -> list[Path]:
    return sorted((_pulumi_folder(home) / "locks").glob(f"*/{PROJECT}/{name}/*.json"))


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
