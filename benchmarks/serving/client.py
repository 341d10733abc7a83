"""What every client of this benchmark says of a server under load."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.serving import cores

if TYPE_CHECKING:
    from collections.abc import Sequence


class ClientError(Exception):
    """A client is not there or cannot do its work; the message is the one line a person needs."""


@dataclass(frozen=True)
class Figures:
    """What a client saw of one server under one load.

    Attributes:
        rate: answered requests a second; refused ones are not among them.
        p50: milliseconds to an answer that half of the requests did not exceed.
        p99: likewise, 99 of 100.
        p999: likewise, 999 of 1000.
        errors: requests that were refused, broken or not answered in time.
        requests: all that were answered.
    """

    rate: float
    p50: float
    p99: float
    p999: float
    errors: int
    requests: int


def run(command: Sequence[str], where: frozenset[int]) -> Figures:
    """Run a client on the cores `where`.

    Its last line is JSON: `requests`, `microseconds` of the load, `p50`, `p99` and `p999` in
    microseconds, `failed` (refused) and `broken` (not answered).

    Raises:
        ClientError: it fails.
    """
    with cores.only(where):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise ClientError(f"{command[0]} failed with {done.returncode}: {done.stderr}")
    said = json.loads(lines[-1])
    p50, p99, p999 = (said[name] / 1000 for name in ("p50", "p99", "p999"))
    rate = (said["requests"] - said["failed"]) / said["microseconds"] * 1e6
    return Figures(rate, p50, p99, p999, said["failed"] + said["broken"], said["requests"])
