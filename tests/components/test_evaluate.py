"""The evaluation of a real small model."""

from __future__ import annotations

import json

import polars as pl
import pytest

from components.evaluate.logic import Evaluation, evaluate
from usecases.errors import StepError
from usecases.flight_delays import USECASE


def test_model_of_a_month_beats_the_baseline(evaluation, parts):
    """Even a small model of sixteen days ranks flights better than the historical rate."""
    assert evaluation.rows == parts.test.height
    assert evaluation.rate == parts.test["late"].to_numpy().mean()
    assert evaluation.model["roc_auc"] > evaluation.baseline["roc_auc"]
    assert evaluation.model["pr_auc"] > evaluation.baseline["pr_auc"]


def test_slices_of_a_dimension_are_all_rows(evaluation):
    """Origins and parts of day cover every row once."""
    rows = {"origin": 0, "part_of_day": 0}
    for found in evaluation.slices:
        if found.dimension in rows:
            rows[found.dimension] += found.rows
    assert rows == dict.fromkeys(rows, evaluation.rows)


def test_evaluation_survives_json(evaluation):
    """What one step writes, the next reads as the same value."""
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.as_json()))) == evaluation


def test_rows_with_one_outcome_are_refused(parts, trained):
    """Without late flights there is nothing to rank."""
    punctual = parts.test.filter(pl.col("late") == 0)
    with pytest.raises(StepError, match=r"^the test part has only one value of late"):
        evaluate(USECASE, trained.model, parts.train, punctual)
