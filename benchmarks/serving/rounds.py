"""The measurement: every contestant under every load, in rounds of alternating order.

Owns the order and what is kept of it. One server runs at a time; with one worker it has a core
to itself, with one a core it shares them with the client, as all do.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.serving.client import Figures
from benchmarks.serving.kept import Kept, kept
from benchmarks.serving.running import ContestantError
from benchmarks.serving.stage import stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.serving.contestants import Contestant
    from benchmarks.serving.models import Model

WARM_UP = 1


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
    """How much is measured: rounds, whole seconds a load, the loads, and numbers of workers."""

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
        figures: by load.
        logs: what became of the prediction log in each round, where there was one.
    """

    seconds: float
    mebibytes: float
    figures: dict[Load, Figures]
    logs: tuple[Kept, ...] = ()


Results = dict[Setting, dict[str, Result]]
"""By setting and contestant."""


def measure(
    plan: Plan,
    contestants: Sequence[Contestant],
    models: Sequence[Model],
    upstream: str,
    tell: Callable[[str], None],
) -> tuple[Results, dict[str, str]]:
    """Measure all of `plan`; the results, and why by name of peers that gave up on the way.

    Raises:
        ContestantError: a server of ours or a floor does not start or answers wrongly.
        ClientError: wrk fails.
    """
    found: dict[Setting, dict[str, list[Result]]] = {}
    out: dict[str, str] = {}
    for number in range(plan.rounds):
        order = contestants if number % 2 == 0 else contestants[::-1]
        for setting, model in ((Setting(m.name, w), m) for m in models for w in plan.workers):
            tell(f"round {number + 1}: {model.label}, workers: {setting.workers}")
            for each in (each for each in order if each.name not in out):
                try:
                    result = _once(each, model, setting.workers, plan, upstream)
                except ContestantError as error:
                    # One peer's trouble on one machine must not cost the whole measurement.
                    if each.kind != "peer":
                        raise
                    out[each.name] = str(error)
                else:
                    found.setdefault(setting, {}).setdefault(each.name, []).append(result)
    kept = [each.name for each in contestants if each.name not in out]
    return _medians(found, kept), out


def _medians(found: dict[Setting, dict[str, list[Result]]], names: Sequence[str]) -> Results:
    return {
        setting: {name: _median(by_name[name]) for name in names}
        for setting, by_name in found.items()
    }


def _once(contestant: Contestant, model: Model, workers: int, plan: Plan, upstream: str) -> Result:
    with stage(contestant, model, workers, upstream) as stand:
        figures = dict[Load, Figures]()
        for load in plan.loads:
            body = contestant.body(model, load.rows)
            if contestant.read:
                stand.check(body, load.rows, contestant.read)
            if not figures:
                stand.load(body, load.connections, WARM_UP)
            figures[load] = stand.load(body, load.connections, plan.seconds)
        log = kept(stand.server.port) if contestant.kind == "ours" else None
        logs = () if log is None else (log,)
        return Result(stand.server.seconds, stand.server.mebibytes(), figures, logs)


def _median(repeats: Sequence[Result]) -> Result:
    figures = {
        load: median([repeat.figures[load] for repeat in repeats]) for load in repeats[0].figures
    }
    seconds = statistics.median(repeat.seconds for repeat in repeats)
    mebibytes = statistics.median(each.mebibytes for each in repeats)
    return Result(seconds, mebibytes, figures, tuple(log for each in repeats for log in each.logs))


def median(repeats: Sequence[Figures]) -> Figures:
    """The median of each figure; requests and errors are added up."""
    rate, p50, p99, p999 = (
        statistics.median(getattr(repeat, name) for repeat in repeats)
        for name in ("rate", "p50", "p99", "p999")
    )
    errors, requests = (
        sum(getattr(repeat, name) for repeat in repeats) for name in ("errors", "requests")
    )
    return Figures(rate, p50, p99, p999, errors, requests)
