"""Learns the feature graph and the trees, and joins them to the one graph that is served.

Owns training and the proof that the served graph agrees with the trees. It does not see the test
part.
"""

from __future__ import annotations

import os

# LightGBM's OpenMP threads spin while they wait. On cores that are shared with the platform's
# own processes that took a training of 1.6 s to 89 s; waiting passively costs nothing measurable.
# It is read once, when the library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import lightgbm as lgb
import numpy as np

from components import graph
from components.train import export
from usecases.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from usecases.contract import UseCase

PATIENCE: Final = 30
PARITY: Final = 1e-5


@dataclass(frozen=True)
class Trained:
    """The served graph (serialized ONNX) and what is worth knowing of how it came about.

    `importance` is each feature's share of the total gain (Breiman et al. 1984), `curves` the
    loss on a part after each round, by `<part>_<loss>`; the rounds after the best are not kept.
    """

    model: bytes
    parameters: dict[str, Any]
    rounds: int
    parity: float
    importance: dict[str, float]
    curves: dict[str, list[float]]

    def report(self) -> dict[str, Any]:
        """Return all but the graph, for the card and the tracking server."""
        return {
            "parameters": self.parameters,
            "rounds": self.rounds,
            "parity": self.parity,
            "importance": self.importance,
            "curves": self.curves,
        }


def train(
    usecase: UseCase, train: pl.DataFrame, validation: pl.DataFrame, rounds: int, seed: int
) -> Trained:
    """Train at most `rounds` trees, stopping early on the validation part.

    Raises:
        StepError: a part has one class only, or the graph does not agree with the trees.
    """
    for name, part in (("train", train), ("validation", validation)):
        _require_both_classes(name, part, usecase.label)
    features = usecase.features(train)
    front = features.SerializeToString()
    matrices = [graph.run(front, p, usecase.inputs, export.FEATURES) for p in (train, validation)]
    labels = [part[usecase.label].to_numpy() for part in (train, validation)]
    parameters = {**usecase.training, "seed": seed}
    boosted, curves = _boost(parameters, matrices, labels, rounds)
    booster = export.single_precision(boosted)
    model = export.join(features, booster).SerializeToString()
    served = graph.probabilities(model, validation, usecase.inputs)
    parity = float(np.abs(served - booster.predict(matrices[1])).max())
    if parity > PARITY:
        raise StepError(
            f"the ONNX graph differs from the trees by {parity:.2g}, more than {PARITY:g}",
            "this is a fault in components/train/export.py: please report it with the data",
        )
    importance = _importance(booster, export.feature_names(features))
    return Trained(model, parameters, booster.num_trees(), parity, importance, curves)


def _require_both_classes(name: str, part: pl.DataFrame, label: str) -> None:
    if part[label].n_unique() < 2:  # noqa: PLR2004 -- two classes
        raise StepError(
            f"the {name} part has {part.height} rows and only one value of {label}",
            "give more months",
        )


def _boost(
    parameters: Mapping[str, Any],
    matrices: list[np.ndarray],
    labels: list[np.ndarray],
    rounds: int,
) -> tuple[lgb.Booster, dict[str, list[float]]]:
    """Boost deterministically: the same rows and seed give the same trees on any machine.

    Returns the trees and the losses on both parts after each round, as in `Trained.curves`.
    """
    settled = {
        **parameters,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": os.cpu_count() or 1,
        "verbose": -1,
    }
    data = lgb.Dataset(matrices[0], labels[0])
    held = lgb.Dataset(matrices[1], labels[1], reference=data)
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    losses: dict[str, dict[str, list[float]]] = {}
    booster = lgb.train(
        settled,
        data,
        rounds,
        valid_sets=[data, held],
        valid_names=["train", "validation"],
        callbacks=[stop, lgb.record_evaluation(losses)],
    )
    return booster, {
        f"{part}_{loss}": [round(value, 6) for value in values]
        for part, found in losses.items()
        for loss, values in found.items()
    }


def _importance(booster: lgb.Booster, names: tuple[str, ...]) -> dict[str, float]:
    gain = booster.feature_importance("gain")
    shares = gain / max(float(gain.sum()), 1e-12)
    order = np.argsort(-shares, kind="stable")
    return {names[i]: round(float(shares[i]), 6) for i in order}
