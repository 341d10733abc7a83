"""What is left of Pulumi's operations in the state: of a killed one, and of all at the end.

Owns what is undone of them. Where they lie is `infra.pulumi_state`'s; Pulumi is not started.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from contracts.variables import HOME
from infra import pulumi_state
from infra.errors import StackLockedError
from infra.targets.processes import marker

if TYPE_CHECKING:
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
    for lock in pulumi_state.locks(home, name):
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
    if pulumi_state.files(home) or any(folders.glob("*")) or _any_lives_in(folders):
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


def _mend_state(home: Home, name: str) -> None:
    """Put the backup in the place of a state that was killed while it was written.

    Without a backup the state was the first; what it knew of is made again, over what runs.
    """
    state = pulumi_state.file(home, name)
    if state.exists() and not pulumi_state.is_whole(state):
        backup = state.with_name(f"{state.name}.bak")
        if backup.exists() and pulumi_state.is_whole(backup):
            backup.replace(state)
        else:
            state.unlink()


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
    ours = variables.get(HOME) == str(home.path)
    return ours and owner.isdigit() and process.pid != os.getpid() and int(owner) != os.getpid()
