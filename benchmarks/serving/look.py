"""A quick look: some contestants under one load, printed."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.serving import contestants, models, rounds, venvs, wrk
from benchmarks.serving.contestants import BARE, FLOOR, PEERS, Contestant
from benchmarks.serving.measurement import CONNECTIONS, ROWS, tell
from benchmarks.serving.rounds import Load, Plan
from benchmarks.serving.upstream import Upstream

if TYPE_CHECKING:
    from argparse import Namespace

    from benchmarks.serving.models import Model

OURS = ("slipway", "unlogged", "bare", "floor")


def main(asked: Namespace) -> None:
    """Measure and print what is asked for."""
    wrk.require()
    model = _model(asked.model)
    chosen = [_contestant(name, asked.tree) for name in asked.only.split(",")]
    loads = tuple(
        Load(rows, connections)
        for rows in ([asked.rows] if asked.rows else ROWS)
        for connections in ([asked.connections] if asked.connections else CONNECTIONS)
    )
    plan = Plan(asked.rounds, asked.seconds, loads, (asked.workers,))
    with Upstream([model]) as upstream:
        found, out = rounds.measure(plan, chosen, [model], upstream.address, tell)
    for name, why in out.items():
        tell(f"{name} is left out: {why}")
    (by_name,) = found.values()
    for load in loads:
        print(f"{load.rows} rows, {load.connections} connections")  # noqa: T201
        for name, result in by_name.items():
            print(_line(name, result, load))  # noqa: T201


def _line(name: str, result: rounds.Result, load: Load) -> str:
    seen = result.figures[load]
    return (
        f"  {name:18} {seen.rate:8.0f}/s  p50 {seen.p50:7.2f}  p99 {seen.p99:7.2f}"
        f"  p99.9 {seen.p999:7.2f} ms  errors {seen.errors}"
        f"  start {result.seconds:.2f} s  {result.mebibytes:.0f} MiB"
    )


def _model(name: str) -> Model:
    if name == "dense":
        return models.synthetic(max(ROWS))
    with TemporaryDirectory(prefix="slipway-lake-") as lake:
        return models.flights(Path(lake), max(ROWS))


def _contestant(name: str, tree: Path) -> Contestant:
    ours = {
        "slipway": Contestant("Slipway", "ours", contestants.slipway(tree)),
        "unlogged": Contestant("Slipway, log off", "ours", contestants.slipway(tree, logs=False)),
        "bare": BARE,
        "floor": FLOOR,
    }
    return ours[name] if name in ours else PEERS[name](venvs.python_of(name, tell))
