"""The client: wrk, which sends one body over and over on a number of connections."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.serving import cores

if TYPE_CHECKING:
    from benchmarks.serving.bodies import Body

_SCRIPT = Path(__file__).with_name("wrk.lua")


class ClientError(Exception):
    """wrk is not there, or cannot do its work; the message is the one line a person needs."""


@dataclass(frozen=True)
class Figures:
    """What a client saw of one server under one load.

    Attributes:
        rate: answered requests a second.
        p50, p99, p999: milliseconds to an answer that so many percent of requests did not exceed.
        errors: answers with a status of 400 and more, and broken or timed-out connections.
    """

    rate: float
    p50: float
    p99: float
    p999: float
    errors: int


def require() -> None:
    """Make sure that wrk is there.

    Raises:
        ClientError: it is not on PATH.
    """
    if shutil.which("wrk") is None:
        raise ClientError(
            "wrk, the benchmark's HTTP client, is not on PATH: `apt-get install wrk` or "
            "`brew install wrk` brings it (https://github.com/wg/wrk)"
        )


def load(port: int, body: Body, connections: int, seconds: float, apart: frozenset[int]) -> Figures:
    """Load the server on `port` from the cores `apart`; the connections are always busy.

    Raises:
        ClientError: wrk fails.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(body.data)
        file.flush()
        headers = [f"{name}={value}" for name, value in body.headers.items()]
        # wrk knows whole seconds, or none: shorter loads end by its own signal handler.
        command = [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{max(1, round(seconds))}s", "--timeout", "10s"),
            *("--script", str(_SCRIPT), f"http://127.0.0.1:{port}{body.path}", "--"),
            *(file.name, *headers),
        ]
        with cores.only(apart):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
    return _read(done)


def _read(done: subprocess.CompletedProcess[str]) -> Figures:
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise ClientError(f"wrk failed with {done.returncode}: {done.stderr or done.stdout}")
    said = json.loads(lines[-1])
    p50, p99, p999 = (said[name] / 1000 for name in ("p50", "p99", "p999"))
    answered = (said["requests"] - said["failed"]) / said["microseconds"] * 1e6
    return Figures(answered, p50, p99, p999, said["failed"] + said["broken"])
