"""One contestant's server as processes: started, asked, weighed and ended."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from benchmarks.serving import cores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.serving.bodies import Body

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_STREAK = 30
"""Answers in a row, each on a connection of its own, that no worker spoilt."""
_MEBIBYTE = 2**20
_AGENT = "serving.agent"


class ContestantError(Exception):
    """A server that does not start, or answers wrongly; the message says which and how."""


@dataclass(frozen=True)
class Command:
    """How a server is started: argv, and variables beyond this process's."""

    argv: list[str]
    variables: dict[str, str]


@dataclass(frozen=True)
class Running:
    """A server that has answered.

    Attributes:
        process: its first process.
        port: where it answers.
        seconds: from its start to its first answer.
    """

    process: subprocess.Popen[bytes]
    port: int
    seconds: float

    def mebibytes(self, *, agents: bool | None = None) -> float:
        """The memory of its processes; pages that they share count once.

        With `agents` only of those that work beside a request's way, or of all others.
        """
        chosen = [
            each
            for each in _tree(self.process.pid)
            if agents is None or agents == (_AGENT in _command(each))
        ]
        return sum(_size(each) for each in chosen) / _MEBIBYTE


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextmanager
def running(
    command: Command, port: int, body: Body, where: frozenset[int], log: Path
) -> Iterator[Running]:
    """Start a server on the cores `where`, wait until it answers `body`, and end it at last.

    Raises:
        ContestantError: it ends or does not answer in time; `log` has what it said.
    """
    start = time.perf_counter()
    with log.open("wb") as said, cores.only(where):
        process = subprocess.Popen(
            command.argv,
            env=os.environ | command.variables,
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
        )
    try:
        first = _wait(process, port, body, log)
        yield Running(process, port, first - start)
    finally:
        _stop(process)


def ask(port: int, body: Body) -> tuple[int, bytes]:
    """Status and body of the answer to one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", body.path, body.data, body.headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _wait(process: subprocess.Popen[bytes], port: int, body: Body, log: Path) -> float:
    """The time of the first answer; it returns when all workers answer, as far as one can see."""
    deadline = time.monotonic() + _START_SECONDS
    first, streak, answer = 0.0, 0, (0, b"no answer")
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            answer = ask(port, body)
        streak = streak + 1 if answer[0] == http.HTTPStatus.OK else 0
        first = first or (time.perf_counter() if streak else 0.0)
        if streak == _STREAK:
            return first
        if not streak:
            time.sleep(0.01)
    raise ContestantError(
        f"{process.args!r} did not answer: {answer[0]} {answer[1][:300]!r}; its log: "
        f"{log.read_text(errors='replace')[-2000:]}"
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    tree = _tree(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    _, left = psutil.wait_procs(tree, timeout=1)
    for each in left:
        with suppress(psutil.Error):
            each.kill()
    process.wait()


def _tree(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def _size(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        full = process.memory_full_info()
        size: int = getattr(full, "pss", full.rss)
        return size
    return 0
