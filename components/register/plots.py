"""Plots of a model beside its baseline: what it is judged by, and how it was learned.

Owns their looks. Each is a PNG with a title, the number of rows that it is of, and axes that say
what they measure; nothing is drawn on a screen.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, Literal

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

Corner = Literal["upper left", "upper right", "lower right"]
COLOURS: Final = {
    "model": "#1f4e79",
    "baseline": "#b5651d",
    "train": "#b5651d",
    "validation": "#1f4e79",
}
INCHES: Final = (6.4, 5.2)
FEATURES: Final = 15
POINT: Final = 400.0
"""The area of the largest point, in square points: a bin that holds every row."""


def draw(title: str, evaluation: dict[str, Any], report: dict[str, Any]) -> dict[str, bytes]:
    """Return all plots by name; `title` is the model's, the rest as the steps write them."""
    held = _held_out(evaluation)
    plots = {
        "calibration": calibration(title, held, evaluation["reliability"]),
        "roc": roc(title, held, evaluation),
        "precision_recall": precision_recall(title, held, evaluation),
        "importance": importance(title, report["importance"]),
    }
    learned = learning(title, report["curves"], report["rounds"])
    return plots | {f"learning_{loss}": png for loss, png in learned.items()}


def calibration(title: str, held: str, reliability: dict[str, list[dict[str, float]]]) -> bytes:
    """Observed rate over mean prediction; points lie on the diagonal if probabilities are true.

    The larger a point, the more rows its bin has.
    """
    figure, axes = _figure(f"{title}: calibration", f"{held}; a point's area is its share of them")
    axes.set(xlabel="mean predicted probability of a bin", ylabel="share of positives in the bin")
    for name, bins in reliability.items():
        x, y = [b["predicted"] for b in bins], [b["observed"] for b in bins]
        axes.plot(x, y, color=COLOURS[name], label=name)
        axes.scatter(x, y, [12 + POINT * b["share"] for b in bins], COLOURS[name], alpha=0.7)
    axes.plot([0, 1], [0, 1], ":", color="grey", label="as predicted")
    return _unit_square(figure, axes, "upper left")


def roc(title: str, held: str, evaluation: dict[str, Any]) -> bytes:
    """True over false positive rate, with each predictor's area under it."""
    figure, axes = _figure(f"{title}: ROC curve", held)
    axes.set(
        xlabel="false positive rate (share of negatives)",
        ylabel="true positive rate (share of positives)",
    )
    for name, curve in evaluation["roc"].items():
        label = f"{name}, area {evaluation[name]['roc_auc']:.3f}"
        x, y = curve["false_positive_rate"], curve["true_positive_rate"]
        axes.plot(x, y, color=COLOURS[name], label=label)
    axes.plot([0, 1], [0, 1], ":", color="grey", label="chance, area 0.500")
    return _unit_square(figure, axes, "lower right")


def precision_recall(title: str, held: str, evaluation: dict[str, Any]) -> bytes:
    """Precision over recall, with each predictor's average precision.

    Drawn in steps, as the average precision is summed: between two thresholds nothing is reached.
    """
    figure, axes = _figure(f"{title}: precision and recall", held)
    axes.set(
        xlabel="recall (share of positives that are found)",
        ylabel="precision (share of those found that are positive)",
    )
    for name, curve in evaluation["precision_recall"].items():
        label = f"{name}, average precision {evaluation[name]['pr_auc']:.3f}"
        x, y = curve["recall"], curve["precision"]
        axes.plot(x, y, color=COLOURS[name], label=label, drawstyle="steps-pre")
    rate = evaluation["rate"]
    axes.axhline(rate, linestyle=":", color="grey", label=f"chance, {rate:.3f}")
    return _unit_square(figure, axes, "upper right")


def importance(title: str, shares: dict[str, float]) -> bytes:
    """Share of the total gain of the features that use most of it."""
    top = list(shares.items())[:FEATURES][::-1]
    which = f"{len(top)} of {len(shares)} features" if len(top) < len(shares) else "all features"
    figure, axes = _figure(f"{title}: what the trees use", which)
    axes.set(xlabel="share of the total gain")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    bars = axes.barh([name for name, _ in top], [share for _, share in top], color=COLOURS["model"])
    axes.bar_label(bars, [f"{share:.1%}" for _, share in top], padding=3, fontsize="small")
    axes.margins(x=0.12)
    return _png(figure)


def learning(title: str, curves: Mapping[str, list[float]], kept: int) -> dict[str, bytes]:
    """For each loss its value after each round, on the rows learned from and those held back."""
    losses = sorted({name.partition("_")[2] for name in curves})
    return {loss: _learning(title, loss, curves, kept) for loss in losses}


def _learning(title: str, loss: str, curves: Mapping[str, list[float]], kept: int) -> bytes:
    losses = {part: curves[f"{part}_{loss}"] for part in ("train", "validation")}
    rounds = len(losses["train"])
    under = f"{rounds} {'round' if rounds == 1 else 'rounds'}, {kept} kept"
    figure, axes = _figure(f"{title}: learning curve", under)
    axes.set(xlabel="round (trees so far)", ylabel=f"{loss.replace('_', ' ')} (less is better)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    mark = "o" if rounds == 1 else ""
    for part, values in losses.items():
        label = f"{part}, {values[kept - 1]:.4f} where kept"
        axes.plot(range(1, rounds + 1), values, color=COLOURS[part], label=label, marker=mark)
    axes.axvline(kept, linestyle=":", color="grey", label=f"kept: round {kept}")
    axes.set_xlim(0, rounds + 1)
    axes.legend(frameon=False)
    return _png(figure)


def _held_out(evaluation: dict[str, Any]) -> str:
    rows, rate = evaluation["rows"], evaluation["rate"]
    return f"n = {rows:,} held-out rows, {round(rows * rate):,} positive ({rate:.1%})"


def _figure(title: str, under: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=INCHES, layout="constrained")
    axes = figure.add_subplot()
    figure.suptitle(title, fontsize="large", fontweight="bold")
    axes.set_title(under, fontsize="medium", color="dimgrey")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2)
    axes.set_axisbelow(True)
    return figure, axes


def _unit_square(figure: Figure, axes: Axes, legend: Corner) -> bytes:
    axes.set(xlim=(0, 1), ylim=(0, 1.005))
    axes.legend(loc=legend, frameon=False)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    figure.clear()
    return buffer.getvalue()
