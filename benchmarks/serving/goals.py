"""The goal of the model server, held against what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.serving.contestants import FLOOR, SLIPWAY
from benchmarks.serving.rounds import Load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.serving.client import Figures
    from benchmarks.serving.measurement import Measured
    from benchmarks.serving.rounds import Setting

LOAD = Load(rows=1, connections=16)
TIMES_PEERS = 10.0
OF_FLOOR = 2.5
RIVALS = ("KServe", "MLServer")


@dataclass(frozen=True)
class Verdict:
    """One part of the goal in one setting.

    Attributes:
        setting: model and workers, in words.
        what: the part of the goal.
        measured: the figure, in words.
        met: whether the goal is reached.
    """

    setting: str
    what: str
    measured: str
    met: bool


def verdicts(measured: Measured) -> Iterator[Verdict]:
    """Each part of the goal in each setting; a part whose rival is absent is left out."""
    for setting, by_name in measured.results.items():
        where = f"{measured.labels[setting.model]}, {workers(setting.workers)}"
        ours, floor = (by_name[each.name].figures[LOAD] for each in (SLIPWAY, FLOOR))
        yield from _in_one(where, ours, floor, _rivals(measured, setting))
    errors = sum(
        figures.errors
        for by_name in measured.results.values()
        for figures in by_name[SLIPWAY.name].figures.values()
    )
    yield Verdict("all loads", "no request of Slipway fails", f"{errors} failed", errors == 0)


def workers(count: int) -> str:
    """A number of workers in words."""
    return "one worker" if count == 1 else f"{count} workers"


def _rivals(measured: Measured, setting: Setting) -> dict[str, Figures]:
    """Each rival at its best with at most as many workers: more can make one slower."""
    return {
        name: max(
            (
                by_name[name].figures[LOAD]
                for other, by_name in measured.results.items()
                if other.model == setting.model and other.workers <= setting.workers
            ),
            key=lambda figures: figures.rate,
        )
        for name in RIVALS
        if name in measured.results[setting]
    }


def _in_one(
    where: str, ours: Figures, floor: Figures, rivals: dict[str, Figures]
) -> Iterator[Verdict]:
    for name, theirs in rivals.items():
        times = ours.rate / theirs.rate
        what = f"{TIMES_PEERS:.0f}x the throughput of {name}"
        yield Verdict(where, what, f"{times:.1f}x", times >= TIMES_PEERS)
    share = floor.rate / ours.rate
    what = f"within {OF_FLOOR}x of the bare HTTP floor"
    yield Verdict(where, what, f"{share:.1f}x", share <= OF_FLOOR)
    if rivals:
        said = f"{ours.p99:.1f} ms; {', '.join(f'{each.p99:.1f}' for each in rivals.values())}"
        lowest = min(each.p99 for each in rivals.values())
        yield Verdict(where, f"p99 below {' and '.join(rivals)}", said, ours.p99 < lowest)
