"""Metrics against scikit-learn's, and against cases done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from components.evaluate import metrics

ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.77, 1.0])),
    min_size=2,
    max_size=60,
).filter(lambda rows: len({outcome for outcome, _ in rows}) == 2)


@given(ROWS)
def test_metrics_are_scikit_learns(rows):
    """Areas, log loss and Brier score agree with scikit-learn for any scores, ties included."""
    outcome, probability = (np.array(column) for column in zip(*rows, strict=True))
    found = metrics.measure(outcome, probability)
    clipped = np.clip(probability, metrics.EPSILON, 1 - metrics.EPSILON)
    assert {name: found[name] for name in ("roc_auc", "pr_auc", "log_loss", "brier")} == (
        pytest.approx(
            {
                "roc_auc": reference.roc_auc_score(outcome, probability),
                "pr_auc": reference.average_precision_score(outcome, probability),
                "log_loss": reference.log_loss(outcome, clipped),
                "brier": reference.brier_score_loss(outcome, probability),
            }
        )
    )


def test_calibration_error_by_hand():
    """Two bins, half the rows each, off by 0.1 and 0.3: the mean is 0.2."""
    outcome = np.array([0, 0, 1, 0, 1, 0])
    probability = np.array([0.02, 0.18, 0.0, 0.65, 0.65, 0.65])
    bins = metrics.reliability(outcome, probability)
    assert [round(b["share"], 3) for b in bins] == [0.333, 0.167, 0.5]
    assert metrics.calibration_error(outcome, probability) == pytest.approx(
        (2 * abs(0.5 - 0.01) + abs(0 - 0.18) + 3 * abs(1 / 3 - 0.65)) / 6
    )


@pytest.mark.parametrize(
    ("metric", "value", "other", "gain"),
    [("roc_auc", 0.8, 0.7, 0.1), ("log_loss", 0.4, 0.5, 0.1), ("ece", 0.2, 0.1, -0.1)],
)
def test_improvement_knows_which_way_is_better(metric, value, other, gain):
    """More area is better; more loss or error is worse."""
    assert metrics.improvement(metric, value, other) == pytest.approx(gain)


def test_roc_curve_is_thinned_and_complete():
    """A curve of many thresholds keeps its ends and at most 200 points."""
    random = np.random.default_rng(7)
    outcome, probability = random.integers(0, 2, 5000), random.random(5000)
    curve = metrics.roc_curve(outcome, probability)
    ends = [(rates[0], rates[-1]) for rates in curve.values()]
    assert (len(curve["true_positive_rate"]), ends) == (200, [(0.0, 1.0), (0.0, 1.0)])
