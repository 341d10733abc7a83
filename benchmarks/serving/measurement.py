"""The whole measurement of the model server: who takes part, how much, and what came out."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.serving import contestants, cores, forms, leak, models, rounds, venvs, wrk
from benchmarks.serving.rounds import Load, Plan
from benchmarks.serving.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.serving.client import Figures
    from benchmarks.serving.contestants import Contestant
    from benchmarks.serving.leak import Leak
    from benchmarks.serving.rounds import Results

ROWS, CONNECTIONS = (1, 64), (1, 16, 64)
_MILLION = 1_000_000
_QUICK_REQUESTS = 50_000


@dataclass(frozen=True)
class Measured:
    """All that the report says.

    Attributes:
        labels: the models' names for people, by name.
        contestants: who took part, in the report's order.
        absent: peers that did not, each with the reason.
        results: by setting and contestant.
        forms: what Slipway's forms and options cost.
        leak: what a million requests weigh.
        rounds: of how many rounds figures are the median.
    """

    labels: dict[str, str]
    contestants: tuple[Contestant, ...]
    absent: tuple[str, ...]
    results: Results
    forms: dict[str, Figures]
    leak: Leak
    rounds: int


def measure(*, quick: bool) -> Measured:
    """Measure everything, or with `quick` a little of it; progress goes to stderr.

    Raises:
        ClientError: wrk is not there, or fails.
        ContestantError: a server does not start or answers wrongly.
    """
    wrk.require()
    peers, absent = _peers(tell)
    all_of_them = (contestants.SLIPWAY, *peers, contestants.BARE, contestants.FLOOR)
    plan = _plan(quick=quick)
    tell("training the flight model")
    with TemporaryDirectory(prefix="slipway-lake-") as lake:
        served = (models.flights(Path(lake), max(ROWS)), models.synthetic(max(ROWS)))
    with Upstream(list(served)) as upstream:
        # What is ours comes first: where it fails, it does so early.
        tell("forms and options")
        costs = forms.measure(plan.rounds, plan.seconds, served[0], upstream.address)
        tell("memory over many requests")
        requests = _QUICK_REQUESTS if quick else _MILLION
        weighed = leak.measure(requests, served[0], upstream.address)
        results, out = rounds.measure(plan, all_of_them, served, upstream.address, tell)
    absent += tuple(f"{name} is left out: {why.splitlines()[0]}" for name, why in out.items())
    kept = tuple(each for each in all_of_them if each.name not in out)
    labels = {model.name: model.label for model in served}
    return Measured(labels, kept, absent, results, costs, weighed, plan.rounds)


def tell(text: str) -> None:
    """Say how far it is."""
    sys.stderr.write(f"serving: {text}\n")


def _plan(*, quick: bool) -> Plan:
    workers = tuple(sorted({1, cores.count()}))
    if quick:
        return Plan(1, 1, tuple(Load(rows, 16) for rows in ROWS), workers)
    loads = tuple(Load(rows, connections) for rows in ROWS for connections in CONNECTIONS)
    return Plan(3, 2, loads, workers)


def _peers(tell: Callable[[str], None]) -> tuple[list[Contestant], tuple[str, ...]]:
    found, absent = [], []
    for name, make in contestants.PEERS.items():
        try:
            found.append(make(venvs.python_of(name, tell)))
        except venvs.PeerError as error:
            tell(str(error))
            absent.append(str(error))
    return found, tuple(absent)
