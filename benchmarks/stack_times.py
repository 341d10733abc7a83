"""A whole stack in a folder of its own: from nothing to a prediction, and once more."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil

from infra.home import Home
from infra.targets.processes import marker

if TYPE_CHECKING:
    from collections.abc import Iterator


_SCRAPE_SECONDS = 60.0
_SAMPLE_SECONDS = 0.2
_FIRST_GOAL, _SECOND_GOAL, _MEMORY_GOAL = 60, 6, 2048  # seconds, seconds, MiB
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class StackTimes:
    """Seconds of an `up` from nothing and of one with nothing to change; MiB of memory.

    `scraped` is the seconds until Prometheus had scraped every service as well. `resident` is
    each service's resident set when all is up, by process; `peak` is the largest sum of the
    resident sets of everything that worked for the stack during the first `up`, Pulumi and
    pipeline steps included. Pages that processes share count in each.
    """

    first: float
    scraped: float
    second: float
    resident: dict[str, float]
    peak: float


def measure() -> StackTimes:
    """Stand a stack up with the tools that are at hand, look, do it again, destroy it."""
    with _fresh_home() as variables:
        start = time.perf_counter()
        with _peak_memory(variables["SLIPWAY_HOME"]) as peak:
            _slipway(variables, "up", "--json")
        first = time.perf_counter() - start
        services = json.loads(_slipway(variables, "status", "--json"))
        _wait_for_scrapes(next(s["url"] for s in services if s["name"] == "prometheus"))
        scraped = time.perf_counter() - start
        resident = _resident(Path(variables["SLIPWAY_HOME"]))
        start = time.perf_counter()
        _slipway(variables, "up", "--json")
        second = time.perf_counter() - start
        return StackTimes(first, scraped, second, resident, max(peak))


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
        answer = httpx.get(
            f"{prometheus.rstrip('/')}/api/v1/query", params={"query": "up"}, trust_env=False
        )
        values = [sample["value"][1] for sample in answer.json()["data"]["result"]]
        if values and set(values) == {"1"}:
            return
        time.sleep(0.05)
    raise TimeoutError(f"Prometheus has not scraped all services in {_SCRAPE_SECONDS:.0f} s")


def _resident(home: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for process in marker.processes(home / "stacks" / "local"):
        size = process.memory_info().rss / _MEBIBYTE
        found[_name(process)] = found.get(_name(process), 0.0) + size
    return found


@contextmanager
def _peak_memory(home: str) -> Iterator[list[float]]:
    """A list that fills with samples of the memory of all that works for `home`, in MiB."""
    samples, done = [0.0], threading.Event()

    def sample() -> None:
        while not done.wait(_SAMPLE_SECONDS):
            samples.append(sum(_sizes_of(home)) / _MEBIBYTE)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield samples
    finally:
        done.set()
        sampler.join()


def _sizes_of(home: str) -> Iterator[int]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            variables = process.environ()
            service = marker.VARIABLE in variables and process.cwd().startswith(home)
            if service or variables.get("SLIPWAY_HOME") == home:
                yield process.memory_info().rss


def _name(process: psutil.Process) -> str:
    command = process.cmdline()
    modules = [word for before, word in itertools.pairwise(command) if before == "-m"]
    return modules[0] if modules else Path(command[0]).name


def page(times: StackTimes) -> str:
    """The part of docs/benchmarks.md."""
    total = sum(times.resident.values())
    rows = [
        ("`slipway up` from nothing to an answered prediction", times.first, _FIRST_GOAL, "s"),
        ("... and every service scraped by Prometheus", times.scraped, _FIRST_GOAL, "s"),
        ("`slipway up` with nothing to change", times.second, _SECOND_GOAL, "s"),
        ("resident memory of the whole stack", total, _MEMORY_GOAL, "MiB"),
        (
            "... at its peak in that `up`, Pulumi and steps included",
            times.peak,
            _MEMORY_GOAL,
            "MiB",
        ),
    ]
    table = [
        f"| {what} | {value:.1f} {unit} | {target} {unit} | {value / target:.2f} |"
        for what, value, target, unit in rows
    ]
    parts = [
        f"| {name} | {size:.0f} |" for name, size in sorted(times.resident.items(), key=_by_size)
    ]
    return "\n".join(
        [
            "## The stack on plain processes\n",
            "From nothing: no process, no state, no data. It trains on 78,000 flights.",
            "Others' local start, by their own documents: Michelangelo's sandbox 10 to 20 minutes",
            "and 8 GB, deployKF 16 GB, OSS-MLOPS-PLATFORM 18 to 25 GB of disk and three prompts.\n",
            "| what | measured | target | of target |\n|---|---|---|---|",
            *table,
            "\n| process | MiB |\n|---|---|",
            *parts,
            "",
        ]
    )


def _by_size(item: tuple[str, float]) -> float:
    return -item[1]
