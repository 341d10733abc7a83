"""The stack's supervisord: starting it, asking it, ending it.

Supervisord restarts what dies and rotates logs; this module only tells it what to run.
It speaks XML-RPC on a Unix socket that only the owner can open.
"""

from __future__ import annotations

import glob
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from infra import environment
from infra.errors import ServiceFailedError
from infra.files import private_folder, write_atomically
from infra.programs import last_line
from infra.targets.processes import identity, marker

if TYPE_CHECKING:
    from infra.home import StackDir

_START_SECONDS = 20.0
_POLL_SECONDS = 0.05
_ROOT_UID = 0
# What supervisord asks for, and what services then may have.
_OPEN_FILES = 1024

# In supervisord's environment, for its configuration: where the program files are.
_PROGRAMS = "SLIPWAY_PROGRAMS"
_NOT_PRINTED = "[!!-~]"


@dataclass(frozen=True)
class Supervised:
    """One process as supervisord knows it: state by supervisord's names, seconds up."""

    state: str
    pid: int
    seconds: int
    reason: str


def inherited_environment(stack: StackDir, temporary: Path) -> dict[str, str]:
    """The environment every process of a stack starts from, the stack's marker in it."""
    composed = environment.of_service(private_folder(stack.home), private_folder(temporary))
    return composed | {marker.VARIABLE: identity.claim(stack.path).id}


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
    _require_open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    _launch(stack)
    deadline = time.monotonic() + _START_SECONDS
    while not is_running(stack):
        if time.monotonic() > deadline:
            raise ServiceFailedError(
                f"supervisord did not start in {_START_SECONDS:.0f} s; its log is"
                f" {stack.supervisor / 'supervisord.log'}"
            )
        time.sleep(_POLL_SECONDS)


def _require_open_files(limit: int) -> None:
    """Refuse a shell whose processes may not have as many files open as services need.

    Raises:
        ServiceFailedError: names the limit, and how it is raised.
    """
    if 0 <= limit < _OPEN_FILES:
        raise ServiceFailedError(
            f"a process of this shell may have {limit} files open (`ulimit -Hn`) and the platform"
            f" needs {_OPEN_FILES}: run it in a shell that was started without that limit, or"
            f" raise it: `sudo prlimit --nofile={_OPEN_FILES} --pid $$`"
        )


def _launch(stack: StackDir) -> None:
    """Start supervisord, which goes on by itself once it has read its configuration.

    Raises:
        ServiceFailedError: it refuses to start; its own word, as there is no log yet.
    """
    configuration = _write_configuration(stack)
    programs = {_PROGRAMS: _pattern(stack.supervisor / "programs")}
    # Its files are UTF-8, whatever the person's locale is.
    python = [sys.executable, "-P", "-X", "utf8"]
    done = subprocess.run(
        [*python, "-m", "supervisor.supervisord", "-c", str(configuration)],
        env=inherited_environment(stack, stack.supervisor / "tmp") | programs,
        cwd=stack.path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        umask=0o077,
        check=False,
    )
    if done.returncode:
        why = last_line(done.stdout + done.stderr, "Error") or f"exit status {done.returncode}"
        raise ServiceFailedError(f"supervisord did not start: {why}")


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
    _socket(stack).unlink(missing_ok=True)


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
    transport = SupervisorTransport(serverurl=f"unix://{_socket(stack)}")
    with ServerProxy("http://127.0.0.1", transport=transport) as server:
        return getattr(server.supervisor, method)(*arguments)


def _socket(stack: StackDir) -> Path:
    """Where the stack's supervisord listens: what it was started with says so.

    One that an earlier version of this project started has its socket elsewhere. The
    configuration in a copy of a folder is that of the original's, and does not count.
    """
    try:
        text = (stack.supervisor / "supervisord.conf").read_text(encoding="utf-8")
    except OSError:
        return stack.socket
    said = {
        name: Path(value.replace("%%", "%"))
        for name, value in re.findall(r"^(file|pidfile) = (.*)$", text, re.MULTILINE)
    }
    # Written relative to the folder since it may be moved, and then the socket is our own.
    folder = said["pidfile"].parent if "pidfile" in said else Path()
    is_own = folder.is_absolute() and folder.exists() and folder.samefile(stack.supervisor)
    return said.get("file", stack.socket) if is_own else stack.socket


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
minfds = {_OPEN_FILES}
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
