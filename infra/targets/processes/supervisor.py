"""The stack's supervisord: starting it, asking it, ending it.

Supervisord restarts what dies and rotates logs; this module only tells it what to run.
It speaks XML-RPC on a Unix socket that only the owner can open.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from infra.errors import ServiceFailedError
from infra.targets.processes import identity, marker
from infra.targets.processes.files import private_folder, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from infra.home import StackDir

_START_SECONDS = 20.0
_POLL_SECONDS = 0.05
_ROOT_UID = 0

# In supervisord's environment, for its configuration: where the program files are.
_PROGRAMS = "SLIPWAY_PROGRAMS"
_NOT_PRINTED = "[!!-~]"

# Nothing of a person's shell may reach a service but this.
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "USER", "TZ")


@dataclass(frozen=True)
class Supervised:
    """One process as supervisord knows it: state by supervisord's names, seconds up."""

    state: str
    pid: int
    seconds: int
    reason: str


def inherited_environment(stack: StackDir) -> dict[str, str]:
    """The environment every process of a stack starts from, the stack's marker in it."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return kept | {marker.VARIABLE: identity.claim(stack.path).id}


def start(stack: StackDir, owner: str | None = None) -> None:
    """Start supervisord where it does not run as what it is, in this very folder.

    What an earlier one left behind is ended. `owner` is the resource that has the folder now.

    Raises:
        ServiceFailedError: it did not answer in time; its log's last line says why.
    """
    private_folder(stack.path)
    moved = identity.has_moved(stack.path)
    if is_running(stack) and not moved:
        identity.claim(stack.path, owner)
        return
    stop(stack)
    if moved:  # what the programs are was written for another path
        shutil.rmtree(stack.supervisor / "programs", ignore_errors=True)
    identity.claim(stack.path, owner)
    _launch(stack)
    deadline = time.monotonic() + _START_SECONDS
    while not is_running(stack):
        if time.monotonic() > deadline:
            raise ServiceFailedError(
                f"supervisord did not start in {_START_SECONDS:.0f} s; its log is"
                f" {stack.supervisor / 'supervisord.log'}"
            )
        time.sleep(_POLL_SECONDS)


def _launch(stack: StackDir) -> None:
    configuration = _write_configuration(stack)
    # Its files are UTF-8, whatever the person's locale is.
    python = [sys.executable, "-X", "utf8"]
    subprocess.run(  # noqa: PLW1510 - that it answers is what counts, not its exit
        [*python, "-m", "supervisor.supervisord", "-c", str(configuration)],
        env=inherited_environment(stack) | {_PROGRAMS: _pattern(stack.supervisor / "programs")},
        cwd=stack.path,
        stdin=subprocess.DEVNULL,
        umask=0o077,
    )


def is_running(stack: StackDir) -> bool:
    """Whether the stack's supervisord answers."""
    try:
        return bool(_call(stack, "getState")["statename"] == "RUNNING")
    except OSError:
        return False


def stop(stack: StackDir) -> None:
    """End supervisord and every process of the stack; its folder stays."""
    with suppress(OSError, Fault):
        _call(stack, "shutdown")
        _wait_for_supervisord_to_end(stack)
    marker.end_all(stack.path)
    stack.socket.unlink(missing_ok=True)


def end(stack: StackDir) -> None:
    """End supervisord and every process of the stack, and remove the stack's folder."""
    stop(stack)
    shutil.rmtree(stack.path, ignore_errors=True)


def program_file(stack: StackDir, name: str) -> Path:
    """Where supervisord reads what the program `name` is."""
    return stack.supervisor / "programs" / f"{name}.ini"


def put(stack: StackDir, name: str) -> None:
    """Have supervisord run the program `name` as its file now says, anew if it runs."""
    remove(stack, name)
    _call(stack, "reloadConfig")
    _call(stack, "addProcessGroup", name)


def remove(stack: StackDir, name: str) -> None:
    """Stop the program `name` and have supervisord forget it; nothing if it does not know it."""
    for step in ("stopProcessGroup", "removeProcessGroup"):
        try:
            _call(stack, step, name)
        except Fault as fault:
            if fault.faultCode not in {Faults.BAD_NAME, Faults.NOT_RUNNING}:
                raise


def prune(stack: StackDir, names: set[str]) -> None:
    """Remove the programs that are not in `names`: a killed operation may leave one behind."""
    for name in set(states(stack)) - names:
        program_file(stack, name).unlink(missing_ok=True)
        remove(stack, name)


def state(stack: StackDir, name: str) -> Supervised | None:
    """The program `name` as supervisord sees it; None if it, or supervisord, is not there."""
    return states(stack).get(name)


def states(stack: StackDir) -> dict[str, Supervised]:
    """Every program by name; empty if supervisord does not answer."""
    try:
        known: list[dict[str, Any]] = _call(stack, "getAllProcessInfo")
    except OSError:
        return {}
    return {
        info["name"]: Supervised(
            info["statename"],
            info["pid"],
            max(0, info["now"] - info["start"]) if info["pid"] else 0,
            info["spawnerr"] or info["description"],
        )
        for info in known
    }


def _call(stack: StackDir, method: str, *arguments: str) -> Any:
    transport = SupervisorTransport(serverurl=f"unix://{stack.socket}")
    with ServerProxy("http://127.0.0.1", transport=transport) as server:
        return getattr(server.supervisor, method)(*arguments)


def _wait_for_supervisord_to_end(stack: StackDir) -> None:
    pid = int((stack.supervisor / "supervisord.pid").read_text())
    with suppress(psutil.Error):
        psutil.Process(pid).wait(timeout=60)


def _write_configuration(stack: StackDir) -> Path:
    folder = private_folder(stack.supervisor)
    private_folder(program_file(stack, "x").parent)
    path = folder / "supervisord.conf"
    write_atomically(path, _configuration(stack))
    return path


def _configuration(stack: StackDir) -> str:
    """Its paths are relative: supervisord works in the stack's folder, whose path may be odd."""
    inside = stack.socket.is_relative_to(stack.path)
    socket = stack.socket.relative_to(stack.path) if inside else stack.socket
    user = "user = root\n" if os.getuid() == _ROOT_UID else ""
    return f"""\
[unix_http_server]
file = {str(socket).replace("%", "%%")}
chmod = 0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
{user}umask = 077
logfile = supervisor/supervisord.log
logfile_maxbytes = 5MB
logfile_backups = 2
pidfile = supervisor/supervisord.pid
childlogdir = supervisor

[include]
files = %(ENV_{_PROGRAMS})s
"""


def _pattern(folder: Path) -> str:
    """A pattern of the program files that supervisord does not cut at a space of the path."""
    found = glob.escape(str(folder))
    return "".join(_NOT_PRINTED if sign.isspace() else sign for sign in found) + "/*.ini"
