"""A whole stack in a folder of its own: from nothing to a prediction, and once more."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from infra.home import Home
from infra.targets.processes import marker

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psutil

_SCRAPE_SECONDS = 60.0
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class StackTimes:
    """Seconds of an `up` from nothing and of one with nothing to change; MiB of each process.

    `scraped` is the seconds until Prometheus had scraped every service as well; `memory` is
    proportional set size where the system tells it (Linux), so shared pages count once.
    """

    first: float
    scraped: float
    second: float
    memory: dict[str, float]


def measure() -> StackTimes:
    """Stand a stack up with the tools that are at hand, look, do it again, destroy it."""
    with _fresh_home() as variables:
        start = time.perf_counter()
        _slipway(variables, "up", "--json")
        first = time.perf_counter() - start
        services = json.loads(_slipway(variables, "status", "--json"))
        _wait_for_scrapes(next(s["url"] for s in services if s["name"] == "prometheus"))
        scraped = time.perf_counter() - start
        memory = _memory(Path(variables["SLIPWAY_HOME"]))
        start = time.perf_counter()
        _slipway(variables, "up", "--json")
        return StackTimes(first, scraped, time.perf_counter() - start, memory)


@contextmanager
def _fresh_home() -> Iterator[dict[str, str]]:
    tools = Home.of_environment().tools
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        variables = os.environ | {"SLIPWAY_HOME": folder, "SLIPWAY_TOOLS": str(tools)}
        try:
            yield variables
        finally:
            _slipway(variables, "down", "--yes")


def _slipway(variables: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "slipway", *arguments]
    return subprocess.run(
        command, env=variables, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _wait_for_scrapes(prometheus: str) -> None:
    deadline = time.monotonic() + _SCRAPE_SECONDS
    while time.monotonic() < deadline:
        answer = httpx.get(f"{prometheus.rstrip('/')}/api/v1/query", params={"query": "up"})
        values = [sample["value"][1] for sample in answer.json()["data"]["result"]]
        if values and set(values) == {"1"}:
            return
        time.sleep(0.05)
    raise TimeoutError(f"Prometheus has not scraped all services in {_SCRAPE_SECONDS:.0f} s")


def _memory(home: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for process in marker.processes(home / "stacks" / "local"):
        found[_name(process)] = found.get(_name(process), 0.0) + _resident(process) / _MEBIBYTE
    return found


def _resident(process: psutil.Process) -> float:
    info = process.memory_full_info()
    return float(getattr(info, "pss", info.rss))


def _name(process: psutil.Process) -> str:
    command = process.cmdline()
    modules = [word for before, word in itertools.pairwise(command) if before == "-m"]
    return modules[0] if modules else Path(command[0]).name
