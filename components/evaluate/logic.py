"""Compares the served graph with the baseline on the test part, overall and per slice.

Owns the evaluation's form. Whether it is good enough is `components/gate`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from components import graph
from components.evaluate import metrics
from usecases.errors import StepError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from usecases.contract import Metric, UseCase

Figures = dict["Metric", float]


@dataclass(frozen=True)
class SliceFigures:
    """Both predictors on the rows where `dimension` is `value`."""

    dimension: str
    value: str
    rows: int
    rate: float
    model: Figures
    baseline: Figures


@dataclass(frozen=True)
class Evaluation:
    """Figures of model and baseline on the same held-out rows.

    `rate` is the share of positive outcomes. `roc`, `reliability` and `precision_recall` hold
    each predictor's curve, for plots.
    """

    rows: int
    rate: float
    model: Figures
    baseline: Figures
    slices: tuple[SliceFigures, ...]
    roc: dict[str, Any]
    reliability: dict[str, Any]
    precision_recall: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Evaluation:
        """Read what `as_json` wrote."""
        slices = tuple(SliceFigures(**item) for item in value["slices"])
        return cls(**{**value, "slices": slices})


def evaluate(usecase: UseCase, model: bytes, train: pl.DataFrame, test: pl.DataFrame) -> Evaluation:
    """Judge the serialized graph `model` and the baseline learned on `train`, both on `test`.

    Raises:
        StepError: the test part has one class only.
    """
    outcome = test[usecase.label].to_numpy()
    if not 0 < outcome.mean() < 1:
        raise StepError(f"the test part has only one value of {usecase.label}", "give more months")
    candidate = graph.probabilities(model, test, usecase.inputs)
    baseline = usecase.baseline(train, test)
    both = {"model": candidate, "baseline": baseline}
    return Evaluation(
        rows=test.height,
        rate=float(outcome.mean()),
        model=metrics.measure(outcome, candidate),
        baseline=metrics.measure(outcome, baseline),
        slices=_slices(usecase, test, outcome, candidate, baseline),
        roc={name: metrics.roc_curve(outcome, p) for name, p in both.items()},
        reliability={name: metrics.reliability(outcome, p) for name, p in both.items()},
        precision_recall={
            name: metrics.precision_recall_curve(outcome, p) for name, p in both.items()
        },
    )


def _slices(
    usecase: UseCase,
    test: pl.DataFrame,
    outcome: np.ndarray,
    candidate: np.ndarray,
    baseline: np.ndarray,
) -> tuple[SliceFigures, ...]:
    """Figures for each value of each dimension in which both outcomes occur."""
    found = []
    for dimension, labels in usecase.slices(test).items():
        for value in labels.unique().drop_nulls().sort():
            rows = (labels == value).fill_null(value=False).to_numpy()
            if 0 < outcome[rows].mean() < 1:
                found.append(
                    SliceFigures(
                        dimension=dimension,
                        value=str(value),
                        rows=int(rows.sum()),
                        rate=float(outcome[rows].mean()),
                        model=metrics.measure(outcome[rows], candidate[rows]),
                        baseline=metrics.measure(outcome[rows], baseline[rows]),
                    )
                )
    return tuple(found)
