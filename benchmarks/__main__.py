"""`make bench`: measures everything and writes docs/benchmarks.md."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path

import psutil

from benchmarks import stack_times, steps

_PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
_SECONDS_FIRST, _SECONDS_SECOND, _MEBIBYTES, _SECONDS_STEP = 60, 6, 2048, 0.2


def main() -> None:
    """Measure, print and keep the page."""
    page = "\n".join([_head(), _stack(stack_times.measure()), _steps(steps.measure())])
    _PAGE.write_text(page, encoding="utf-8")
    print(page)  # noqa: T201 - what the command is for


def _head() -> str:
    memory = psutil.virtual_memory().total / 2**30
    return f"""\
# Benchmarks

Made by `make bench` on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}: {platform.system()} on
{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()},
tools warm. Times are of one run on a shared machine: the ratios within a table say more than any
single figure.
"""


def _stack(times: stack_times.StackTimes) -> str:
    total = sum(times.resident.values())
    rows = [
        ("`slipway up` from nothing to an answered prediction", times.first, _SECONDS_FIRST, "s"),
        ("... and every service scraped by Prometheus", times.scraped, _SECONDS_FIRST, "s"),
        ("`slipway up` with nothing to change", times.second, _SECONDS_SECOND, "s"),
        ("resident memory of the whole stack", total, _MEBIBYTES, "MiB"),
        ("... at its peak in that `up`, Pulumi and steps included", times.peak, _MEBIBYTES, "MiB"),
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


def _steps(seconds: dict[str, float]) -> str:
    ours = next(iter(seconds.values()))
    table = [f"| {what} | {value:.2f} | {value / ours:.1f}x |" for what, value in seconds.items()]
    return "\n".join(
        [
            "## One step of a local pipeline run\n",
            f"A step that does nothing, by kfp.local, same process; target {_SECONDS_STEP} s.\n",
            "| runner | seconds | ratio |\n|---|---|---|",
            *table,
            "",
        ]
    )


if __name__ == "__main__":
    main()
