"""Plots of a model beside its baseline: calibration, ROC, importance.

Owns their looks. Each function returns a PNG; nothing is drawn on a screen.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Final = {"model": "#1f4e79", "baseline": "#b5651d"}
INCHES: Final = (5.0, 4.0)
FEATURES: Final = 15


def calibration(reliability: dict[str, list[dict[str, float]]]) -> bytes:
    """Observed rate over mean prediction; points lie on the diagonal if probabilities are true."""
    figure, axes = _figure("mean predicted probability", "observed rate")
    for name, bins in reliability.items():
        x, y = [b["predicted"] for b in bins], [b["observed"] for b in bins]
        axes.plot(x, y, "o-", color=COLOURS[name], label=name)
    return _square(figure, axes)


def roc(curves: dict[str, dict[str, list[float]]], figures: dict[str, Any]) -> bytes:
    """True over false positive rate; `figures` holds each predictor's `roc_auc`."""
    figure, axes = _figure("false positive rate", "true positive rate")
    for name, curve in curves.items():
        label = f"{name}, area {figures[name]['roc_auc']:.3f}"
        x, y = curve["false_positive_rate"], curve["true_positive_rate"]
        axes.plot(x, y, color=COLOURS[name], label=label)
    return _square(figure, axes)


def importance(shares: dict[str, float]) -> bytes:
    """Share of the total gain of the features that use most of it."""
    figure, axes = _figure("share of the total gain", "")
    top = list(shares.items())[:FEATURES][::-1]
    axes.barh([name for name, _ in top], [share for _, share in top], color=COLOURS["model"])
    return _png(figure)


def _figure(across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=INCHES, layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=across, ylabel=up)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _square(figure: Figure, axes: Axes) -> bytes:
    axes.plot([0, 1], [0, 1], ":", color="grey")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="lower right", frameon=False)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    figure.clear()
    return buffer.getvalue()
