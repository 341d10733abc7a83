"""The HTTP client: wrk, which sends one body over and over on a number of connections."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.serving import client
from benchmarks.serving.client import ClientError, Figures

if TYPE_CHECKING:
    from benchmarks.serving.bodies import Body
    from benchmarks.serving.cores import Split

_SCRIPT = Path(__file__).with_name("wrk.lua")


def require() -> None:
    """Make sure that wrk is there.

    Raises:
        ClientError: it is not on PATH.
    """
    if shutil.which("wrk") is None:
        raise ClientError(
            "wrk, the benchmark's HTTP client, is not on PATH: `apt-get install wrk` or"
            " `brew install wrk` brings it (https://github.com/wg/wrk)"
        )


def load(port: int, body: Body, connections: int, seconds: int, split: Split) -> Figures:
    """Load the server on `port`; each connection always has a request under way.

    Raises:
        ClientError: wrk fails.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(body.data)
        file.flush()
        headers = [f"{name}={value}" for name, value in body.headers.items()]
        command = [
            *("wrk", "--threads", str(min(split.threads, connections))),
            *("--connections", str(connections), "--duration", f"{seconds}s", "--timeout", "10s"),
            *("--script", str(_SCRIPT), f"http://127.0.0.1:{port}{body.path}"),
            *("--", file.name, *headers),
        ]
        return client.run(command, split.client)
