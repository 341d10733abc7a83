"""The stack's supervisord: starting it, asking it, ending it.

Supervisord restarts what dies and rotates logs; this module only tells it what to run.
It speaks XML-RPC on a Unix socket that only the owner can open.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from infra.errors import ServiceFailedError
from infra.files import private_folder, write_atomically
from infra.home import StackDir
from infra.targets.processes import marker

_START_SECONDS = 20.0
_POLL_SECONDS = 0.05
_ROOT_UID = 0

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
    return kept | {marker.VARIABLE: str(stack.path)}


def stack_dir(path: str) -> StackDir:
    """The stack whose folder is `path`."""
    return StackDir(Path(path))


def start(stack: StackDir) -> None:
    """Start supervisord, unless it runs; end what an earlier one left behind.

    Raises:
        ServiceFailedError: it did not answer in time; its log's last line says why.
    """
    if is_running(stack):
        return
    marker.end_all(stack.path)
    stack.socket.unlink(missing_ok=True)
    configuration = _write_configuration(stack)
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
    subprocess.run(  # noqa: PLW1510 - that it answers is what counts, not its exit
        command,
        env=inherited_environment(stack),
        cwd=stack.path,
        stdin=subprocess.DEVNULL,
        umask=0o077,
    )
    deadline = time.monotonic() + _START_SECONDS
    while not is_running(stack):
        if time.monotonic() > deadline:
            raise ServiceFailedError(
                f"supervisord did not start in {_START_SECONDS:.0f} s; its log is"
                f" {stack.supervisor / 'supervisord.log'}"
            )
        time.sleep(_POLL_SECONDS)


def is_running(stack: StackDir) -> bool:
    """Whether the stack's supervisord answers."""
    try:
        return bool(_call(stack, "getState")["statename"] == "RUNNING")
    except OSError:
        return False


def end(stack: StackDir) -> None:
    """End supervisord and every process of the stack, and remove the stack's folder."""
    with suppress(OSError, Fault):
        _call(stack, "shutdown")
        _wait_for_supervisord_to_end(stack)
    marker.end_all(stack.path)
    stack.socket.unlink(missing_ok=True)
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
    folder = str(stack.supervisor).replace("%", "%%")
    user = "user = root\n" if os.getuid() == _ROOT_UID else ""
    return f"""\
[unix_http_server]
file = {str(stack.socket).replace("%", "%%")}
chmod = 0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
{user}umask = 077
logfile = {folder}/supervisord.log
logfile_maxbytes = 5MB
logfile_backups = 2
pidfile = {folder}/supervisord.pid
childlogdir = {folder}

[include]
files = {folder}/programs/*.ini
"""
