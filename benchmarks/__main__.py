"""`make bench`: measures everything and writes docs/benchmarks.md; or just the parts named.

`python -m benchmarks serving --quick` measures a little of the model server and writes nothing.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import sys
from pathlib import Path

import psutil

from benchmarks import footprint, stack_times, steps, tenants
from benchmarks.serving import chart, measurement, report
from benchmarks.serving.client import ClientError
from benchmarks.serving.running import ContestantError

_PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
_MILLICORES = 600
# By the Kubeflow distribution's own page on resources.
_OTHERS = (
    ("Kubeflow, the whole distribution", 4380, 12_341),
    ("of it, Kubeflow Pipelines alone", 970, 3552),
)
_SECONDS_FIRST, _SECONDS_SECOND, _MEBIBYTES, _SECONDS_STEP = 60, 6, 2048, 0.2


def main(*names: str) -> None:
    """Measure, print and keep the page; with `names`, only those parts of the page that is there.

    Raises:
        KeyError: there is no part of a name.
    """
    parts = {
        "stack": lambda: _stack(stack_times.measure()),
        "steps": lambda: _steps(steps.measure()),
        "footprint": lambda: _footprint(footprint.measure()),
        "tenants": lambda: _tenants(tenants.measure()),
        "serving": _serving,
    }
    page = _PAGE.read_text(encoding="utf-8") if names else _head()
    for name in names or parts:
        page = _with_part(page, parts[name]())
    _PAGE.write_text(page, encoding="utf-8")
    print(page)  # noqa: T201 - what the command is for


def quick(*names: str) -> None:
    """Measure a little of the model server and print it; the page stays as it is.

    Raises:
        SystemExit: 2, when anything else is asked for.
    """
    if names != ("serving",):
        sys.stderr.write("benchmarks: --quick goes with `serving` only\n")
        raise SystemExit(2)
    print(report.page(measurement.measure(quick=True)))  # noqa: T201 - what the command is for


def _serving() -> str:
    measured = measurement.measure(quick=False)
    chart.draw(measured, _PAGE.with_name(report.CHART))
    return report.page(measured)


def _with_part(page: str, part: str) -> str:
    """The page with a part in the place of the one with its title, or at the end."""
    title = part.partition("\n")[0]
    kept = [each.rstrip() for each in re.split(r"(?m)^(?=## )", page)]
    if not any(each.startswith(title) for each in kept):
        kept.append(title)
    return "\n\n".join(part.rstrip() if each.startswith(title) else each for each in kept) + "\n"


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


def _footprint(asked: list[footprint.Requests]) -> str:
    cpu, memory = (sum(getattr(each, what) for each in asked) for what in ("cpu", "memory"))
    rows = [f"| {each.service} | {each.cpu} | {each.memory} |" for each in asked]
    others = [
        f"| {name} | {theirs_cpu} | {theirs_memory} | {theirs_cpu / cpu:.1f}x |"
        f" {theirs_memory / memory:.1f}x |"
        for name, theirs_cpu, theirs_memory in _OTHERS
    ]
    return "\n".join(
        [
            "## What the platform on Kubernetes requests\n",
            "With its own database, object store, pipelines, logs and Grafana, as it ships. The",
            f"goal is {_MILLICORES}m and {_MEBIBYTES} MiB.\n",
            "| | CPU, m | memory, MiB | of our CPU | of our memory |\n|---|---|---|---|---|",
            f"| **this platform** | **{cpu}** | **{memory}** | 1.0x | 1.0x |",
            *others,
            "\n| service | CPU, m | memory, MiB |\n|---|---|---|",
            *rows,
            "",
        ]
    )


def _tenants(costs: list[tenants.Cost]) -> str:
    first, last = costs[0], costs[-1]
    count = last.tenants - first.tenants
    rows = [
        f"| {each.tenants} | {each.objects} | {each.seconds * 1000:.0f} | {each.mebibytes:.1f} |"
        for each in costs
    ]
    milliseconds = (last.seconds - first.seconds) / count * 1000
    further = (last.objects - first.objects) / count
    kibibytes = (last.mebibytes - first.mebibytes) / count * 2**10
    return "\n".join(
        [
            "## Tenants\n",
            "From settings to all objects of a stack on Kubernetes, nothing deployed. Each further",
            f"tenant costs {milliseconds:.1f} ms, {kibibytes:.0f} KiB and {further:.0f} objects.\n",
            "| tenants | objects | ms | MiB at the peak |\n|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _run(*arguments: str) -> None:
    names = [each for each in arguments if each != "--quick"]
    try:
        (quick if "--quick" in arguments else main)(*names)
    except (ClientError, ContestantError) as error:
        sys.stderr.write(f"benchmarks: {error}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    _run(*sys.argv[1:])
