"""The chart of the model server beside its peers: throughput and p99, a column a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure

from benchmarks.serving import goals

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.serving.measurement import Measured
    from benchmarks.serving.rounds import Result

COLOURS: Final = {"ours": "#1f4e79", "peer": "#b5651d", "floor": "#9a9a9a"}
INCHES: Final = (10.0, 6.0)
_ROOM: Final = 1.25
"""Space to the right of the longest bar, for its figure."""


def draw(measured: Measured, path: Path) -> None:
    """Write the chart as PNG: one worker, the goal's load."""
    names = list(measured.labels)
    figure = Figure(figsize=INCHES, layout="constrained", dpi=120)
    grid = figure.subplots(2, len(names), squeeze=False)
    for column, name in enumerate(names):
        by_name = next(
            found
            for setting, found in measured.results.items()
            if setting.model == name and setting.workers == 1
        )
        title = f"{measured.labels[name]}: requests a second"
        _bars(grid[0][column], measured, by_name, title, "rate")
        _bars(grid[1][column], measured, by_name, f"{measured.labels[name]}: p99, ms", "p99")
    figure.suptitle("One row a request, 16 connections, one worker on one core")
    figure.savefig(path, format="png", metadata={"Software": None})


def _bars(
    axes: Axes, measured: Measured, by_name: dict[str, Result], title: str, what: str
) -> None:
    kinds = {each.name: each.kind for each in measured.contestants}
    names = list(by_name)[::-1]
    values = [getattr(by_name[name].figures[goals.LOAD], what) for name in names]
    bars = axes.barh(names, values, color=[COLOURS[kinds[name]] for name in names])
    labels = [f"{value:,.0f}" if what == "rate" else f"{value:.1f}" for value in values]
    axes.bar_label(bars, labels, padding=3)
    axes.set_xlim(0, max(values) * _ROOM)
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter("{x:,.0f}")
