"""Waiting for a process to be what it should be: up, or clearly not."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from infra.errors import ServiceFailedError
from infra.targets.processes import history, ports, supervisor

if TYPE_CHECKING:
    from pathlib import Path

    from infra.home import StackDir

_POLL_SECONDS = 0.1
_REQUEST_SECONDS = 5.0
# What stands on this machine is behind no proxy, whatever the environment says.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_LAST_LINES = 3
_TAIL_BYTES = 4096
_HOPELESS = frozenset({"FATAL", "EXITED", "STOPPED", "UNKNOWN"})
# A process that dies at its start is tried again; this often, and it will not come up.
_QUICK_EXITS = 3


def wait(stack: StackDir, name: str, address: str, path: str | None, seconds: float) -> None:
    """Wait until the service `name` answers at `address` (and `path`, if it has one).

    Raises:
        ServiceFailedError: it ended, did not answer in `seconds`, or somebody else answers in its
            place; with the log's last lines.
    """
    deadline = time.monotonic() + seconds
    earlier = len(history.exits(stack, name))
    while not answers(address, path):
        state = supervisor.state(stack, name)
        if state is None or state.state in _HOPELESS:
            raise _failed(stack, name, state.reason if state else "its supervisor is gone")
        if len(history.exits(stack, name)) - earlier >= _QUICK_EXITS:
            raise _failed(stack, name, "it ends as soon as it starts")
        if time.monotonic() > deadline:
            raise _failed(stack, name, f"no answer at {address}{path or ''} in {seconds:.0f} s")
        time.sleep(_POLL_SECONDS)
    port = int(address.rpartition(":")[2])
    if port not in ports.ours_of(stack):
        raise _failed(stack, name, f"its port {port} is taken by {ports.holder(port)}")


def answers(address: str, path: str | None) -> bool:
    """Whether `address` (host:port) accepts, or its `path` answers with a status below 400."""
    if path is None:
        host, _, port = address.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=_REQUEST_SECONDS):
                return True
        except OSError:
            return False
    try:
        with _DIRECT.open(f"http://{address}{path}", timeout=_REQUEST_SECONDS):
            return True
    except (OSError, urllib.error.URLError):
        return False


def _failed(stack: StackDir, name: str, reason: str) -> ServiceFailedError:
    log = stack.service(name) / "log" / f"{name}.log"
    return ServiceFailedError(f"{name} did not come up: {reason}; {log} ends: {_tail(log)}")


def _tail(log: Path) -> str:
    try:
        lines = log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").splitlines()
    except OSError:
        return "(there is none)"
    stripped = [line.strip() for line in lines if line.strip()]
    return " | ".join(stripped[-_LAST_LINES:]) or "(it is empty)"
