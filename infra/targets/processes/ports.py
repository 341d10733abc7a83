"""Which port each service listens on, and whose it is when it is taken.

A stack's ports are chosen once and kept in its `ports.json`, so that nothing changes from
one `up` to the next; those that the settings fix are not kept. They lie below the range that
the system hands to outgoing connections, which could else take a port while its service
restarts.
"""

from __future__ import annotations

import json
import random
import socket
from typing import TYPE_CHECKING

import psutil

from infra.errors import PortTakenError, SettingsError
from infra.files import write_atomically
from infra.targets.processes import identity, marker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from infra.home import StackDir
    from infra.service import Service

HOST = "127.0.0.1"
_LOWEST, _HIGHEST = 18_000, 29_999


def assign(
    stack: StackDir, services: Iterable[Service], fixed: Mapping[str, int]
) -> dict[str, int]:
    """Ports of all services by `service/port`: the fixed ones, the kept ones, else free ones.

    Raises:
        SettingsError: `fixed` names a port that no service has, or one number twice.
        PortTakenError: a fixed port belongs to a process that is not this stack's.
    """
    names = [f"{service.name}/{port}" for service in services for port in service.ports]
    wanted = _full_names(fixed, names)
    kept = _kept(stack)
    ours = ours_of(stack)
    ports: dict[str, int] = {}
    for name in sorted(names, key=lambda name: name not in wanted):
        ports[name] = _settle(name, wanted.get(name), kept.get(name), ours, set(ports.values()))
    assigned = {name: port for name, port in ports.items() if name not in wanted}
    if assigned != _read(stack.ports):
        write_atomically(stack.ports, json.dumps(assigned, indent=1, sort_keys=True))
    return ports


def lost(stack: StackDir) -> list[str]:
    """Those of the chosen ports that somebody else listens on, by `service/port`."""
    ours = ours_of(stack)
    return [
        name for name, port in _read(stack.ports).items() if port not in ours and not _is_free(port)
    ]


def ours_of(stack: StackDir) -> set[int]:
    """The ports that processes of the stack listen on."""
    ports: set[int] = set()
    for process in marker.processes(stack.path):
        try:
            connections = process.net_connections("tcp")
        except psutil.Error:
            continue
        ports |= {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}
    return ports


def holder(port: int) -> str:
    """Who listens on a port, in words."""
    for process in psutil.process_iter(["pid", "name"]):
        try:
            connections = process.net_connections("tcp")
        except psutil.Error:
            continue
        if any(
            c.laddr and c.laddr.port == port and c.status == psutil.CONN_LISTEN for c in connections
        ):
            return f"{process.info['name']} (pid {process.info['pid']})"
    return "a process of another user"


def _full_names(fixed: Mapping[str, int], names: list[str]) -> dict[str, int]:
    full: dict[str, int] = {}
    for key, number in fixed.items():
        name = key if "/" in key else f"{key}/http"
        if name not in names:
            known = ", ".join(names)
            raise SettingsError(
                f"slipway:target.ports.{key}: no service has that port; there are {known}"
            )
        if number in full.values():
            raise SettingsError(
                f"slipway:target.ports.{key}: {number} is set twice; each needs its own"
            )
        full[name] = number
    return full


def _settle(name: str, fixed: int | None, kept: int | None, ours: set[int], used: set[int]) -> int:
    if fixed is not None:
        if fixed not in ours and not _is_free(fixed):
            raise PortTakenError(
                f"port {fixed} of {name} is taken by {holder(fixed)}: end that process, or set"
                f" another one in slipway:target.ports"
            )
        return fixed
    if kept is not None and kept not in used and (kept in ours or _is_free(kept)):
        return kept
    return _choose(used)


def _choose(used: set[int]) -> int:
    # S311: where the search starts is no secret; it only keeps stacks apart.
    candidates = random.sample(range(_LOWEST, _HIGHEST + 1), 1000)
    for candidate in candidates:
        if candidate not in used and _is_free(candidate):
            return candidate
    raise PortTakenError(f"no free port between {_LOWEST} and {_HIGHEST}: end what holds them")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _kept(stack: StackDir) -> dict[str, int]:
    """The ports that were chosen for this very stack; a copied folder's are the original's."""
    if identity.is_copy(stack.path):
        return {}
    # A file of before 2026-11-28 has those, too, that were fixed by the settings.
    return {name: port for name, port in _read(stack.ports).items() if _is_choice(port)}


def _is_choice(port: int) -> bool:
    return _LOWEST <= port <= _HIGHEST


def _read(path: Path) -> dict[str, int]:
    try:
        return {str(name): int(port) for name, port in json.loads(path.read_text()).items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}
