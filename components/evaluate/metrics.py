"""Metrics of probabilities for a 0/1 outcome, in numpy.

Owns their definitions and which way is better. scikit-learn has them too (the tests compare); its
import alone would cost a step more than a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from usecases.contract import Metric

HIGHER_IS_BETTER: Final[frozenset[Metric]] = frozenset({"roc_auc", "pr_auc"})
NAMES: Final[tuple[Metric, ...]] = ("roc_auc", "pr_auc", "log_loss", "brier", "ece")
ECE_BINS: Final = 10
CURVE_POINTS: Final = 200
EPSILON: Final = 1e-7


def improvement(metric: Metric, value: float, other: float) -> float:
    """Return by how much `value` is better than `other`; negative if it is worse."""
    return value - other if metric in HIGHER_IS_BETTER else other - value


def measure(outcome: np.ndarray, probability: np.ndarray) -> dict[Metric, float]:
    """Return all metrics of `probability` [N] for `outcome` [N], zeros and ones, not all alike."""
    false_rate, true_rate, precision = _ranked(outcome, probability)
    clipped = np.clip(probability, EPSILON, 1 - EPSILON)
    likelihood = np.where(outcome == 1, clipped, 1 - clipped)
    return {
        "roc_auc": float(np.trapezoid(true_rate, false_rate)),
        "pr_auc": float(np.sum(np.diff(true_rate) * precision[1:])),
        "log_loss": float(-np.log(likelihood).mean()),
        "brier": float(np.square(probability - outcome).mean()),
        "ece": calibration_error(outcome, probability),
    }


def calibration_error(outcome: np.ndarray, probability: np.ndarray) -> float:
    """Expected calibration error over ten equally wide bins (Naeini et al. 2015)."""
    bins = reliability(outcome, probability)
    return float(sum(b["share"] * abs(b["observed"] - b["predicted"]) for b in bins))


def reliability(outcome: np.ndarray, probability: np.ndarray) -> list[dict[str, float]]:
    """For each of ten equally wide bins that has rows: share, mean prediction, observed rate."""
    index = np.minimum((probability * ECE_BINS).astype(int), ECE_BINS - 1)
    rows = np.bincount(index, minlength=ECE_BINS)
    predicted = np.bincount(index, probability, minlength=ECE_BINS)
    observed = np.bincount(index, outcome, minlength=ECE_BINS)
    return [
        {
            "share": float(rows[b] / len(outcome)),
            "predicted": float(predicted[b] / rows[b]),
            "observed": float(observed[b] / rows[b]),
        }
        for b in np.flatnonzero(rows)
    ]


def roc_curve(outcome: np.ndarray, probability: np.ndarray) -> dict[str, list[float]]:
    """Return the ROC curve, thinned to at most `CURVE_POINTS` points, as two lists."""
    false_rate, true_rate, _ = _ranked(outcome, probability)
    keep = np.unique(np.linspace(0, len(false_rate) - 1, CURVE_POINTS).astype(int))
    return {
        "false_positive_rate": false_rate[keep].round(5).tolist(),
        "true_positive_rate": true_rate[keep].round(5).tolist(),
    }


def precision_recall_curve(outcome: np.ndarray, probability: np.ndarray) -> dict[str, list[float]]:
    """Return precision over recall, thinned to at most `CURVE_POINTS` points, as two lists."""
    _, recall, precision = _ranked(outcome, probability)
    keep = np.unique(np.linspace(0, len(recall) - 1, CURVE_POINTS).astype(int))
    return {
        "recall": recall[keep].round(5).tolist(),
        "precision": precision[keep].round(5).tolist(),
    }


def _ranked(outcome: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray[Any, Any], ...]:
    """Rates and precision at each distinct threshold, from the strictest; equal scores are one.

    The area under (precision, recall) by these steps is the average precision, which does not
    interpolate (Davis and Goadrich 2006).
    """
    order = np.argsort(-probability, kind="stable")
    scores, hits = probability[order], outcome[order].astype(np.int64)
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))
    true = np.cumsum(hits)[last]
    false = last + 1 - true
    rate = np.append(0.0, true / true[-1])
    return np.append(0.0, false / false[-1]), rate, np.append(1.0, true / (last + 1))
