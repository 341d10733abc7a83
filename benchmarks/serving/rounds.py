"""The measurement: every contestant under every load, in rounds of alternating order.

Owns the order and what is kept of it. One server runs at a time; with one worker it has a core
to itself, with one a core it shares them with the client, as all do.
"""

from __future__ import annotations

import json
import math
import os
import statistics
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.serving import cores, wrk
from benchmarks.serving.contestants import Contestant, Place
from benchmarks.serving.running import ContestantError, Running, ask, free_ports, running
from benchmarks.serving.wrk import Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.serving.models import Model

_WARM_UP = 0.5
_TOLERANCE = 1e-4


@dataclass(frozen=True, order=True)
class Load:
    """Rows a request, and connections that always have one under way."""

    rows: int
    connections: int


@dataclass(frozen=True)
class Setting:
    """What a server is measured in: a model by name, and a number of workers."""

    model: str
    workers: int


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: int
    loads: tuple[Load, ...]
    workers: tuple[int, ...]


@dataclass(frozen=True)
class Result:
    """Of one contestant in one setting: medians over the rounds.

    Attributes:
        seconds: from start to the first answer.
        mebibytes: after the loads.
        figures: by load; errors are the sum over the rounds.
    """

    seconds: float
    mebibytes: float
    figures: dict[Load, Figures]


Results = dict[Setting, dict[str, Result]]
"""By setting and contestant."""


def all_cores() -> int:
    """How many workers "all cores" means."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure(
    plan: Plan,
    contestants: Sequence[Contestant],
    models: Sequence[Model],
    upstream: str,
    tell: Callable[[str], None],
) -> Results:
    """Measure all of `plan`.

    Raises:
        ContestantError: a server does not start or answers wrongly.
        ClientError: wrk fails.
    """
    found: dict[tuple[Setting, str], list[Result]] = {}
    for number in range(plan.rounds):
        for model in models:
            for workers in plan.workers:
                for each in contestants if number % 2 == 0 else contestants[::-1]:
                    result = once(each, model, workers, plan, upstream)
                    setting = Setting(model.name, workers)
                    found.setdefault((setting, each.name), []).append(result)
                    tell(f"round {number + 1}: {each.name}, {model.label}, {workers} workers")
    results: Results = {}
    for (setting, name), repeats in found.items():
        results.setdefault(setting, {})[name] = median(repeats)
    return results


def once(
    contestant: Contestant, model: Model, workers: int, plan: Plan, upstream: str
) -> Result:
    """Start one server, put every load on it, end it. Raises as `measure`."""
    where, apart = cores.split() if workers == 1 else (cores.ANY, cores.ANY)
    with TemporaryDirectory(prefix="slipway-serving-") as name:
        place = _place(Path(name), contestant, model, workers, upstream)
        body, log = contestant.body(model, 1), place.scratch / "server.log"
        with running(contestant.command(place), place.port, body, where, log) as server:
            figures = {}
            for load in plan.loads:
                _check(contestant, model, load.rows, server)
                body = contestant.body(model, load.rows)
                wrk.load(server.port, body, load.connections, _WARM_UP, apart)
                figures[load] = wrk.load(
                    server.port, body, load.connections, plan.seconds, apart
                )
            return Result(server.seconds, server.mebibytes(), figures)


def _place(
    root: Path, contestant: Contestant, model: Model, workers: int, upstream: str
) -> Place:
    folder, scratch = root / "model", root / "server"
    for each in (folder, scratch):
        each.mkdir()
    for title, data in model.files.items():
        (folder / title).write_bytes(data)
    outputs = [{"name": "y", "datatype": "FP32", "shape": [1, 1], "data": model.expected(1)}]
    answer = {"model_name": model.name, "model_version": "1", "outputs": outputs}
    (folder / "answer.json").write_text(json.dumps(answer))
    return Place(model, folder, scratch, _ports(), workers, upstream)


def _ports() -> tuple[int, int, int]:
    first, second, third = free_ports(3)
    return first, second, third


def _check(contestant: Contestant, model: Model, rows: int, server: Running) -> None:
    """Make sure that a contestant does the whole job: its answer is onnxruntime's own."""
    if contestant.read is None:
        return
    status, answer = ask(server.port, contestant.body(model, rows))
    expected = model.expected(rows)
    values = contestant.read(answer) if status == 200 else []
    if len(values) != len(expected) or not all(
        math.isclose(value, right, abs_tol=_TOLERANCE)
        for value, right in zip(values, expected, strict=True)
    ):
        raise ContestantError(f"{contestant.name} answers {rows} rows wrongly: {answer[:300]!r}")


def median(repeats: Sequence[Result]) -> Result:
    """Medians of each figure; errors are added up."""
    figures = {
        load: Figures(
            *(
                statistics.median(getattr(repeat.figures[load], name) for repeat in repeats)
                for name in ("rate", "p50", "p99", "p999")
            ),
            errors=sum(repeat.figures[load].errors for repeat in repeats),
        )
        for load in repeats[0].figures
    }
    seconds, mebibytes = (
        statistics.median(getattr(repeat, name) for repeat in repeats)
        for name in ("seconds", "mebibytes")
    )
    return Result(seconds, mebibytes, figures)
