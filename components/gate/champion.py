"""Scores the current champion on the candidate's held-out rows.

Owns finding and fetching the champion. Figures stored with it would not do: they are of other
rows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from components import graph
from components.evaluate import metrics
from components.release.logic import CHAMPION
from usecases.contract import RawInput

if TYPE_CHECKING:
    import polars as pl

    from components.evaluate.logic import Figures
    from components.registry_oci import Registry
    from components.tracking import Tracking
    from usecases.contract import UseCase

MODELS: Final = "models"


def score(
    usecase: UseCase, test: pl.DataFrame, tracking: Tracking, registry: Registry
) -> tuple[Figures | None, tuple[str, ...]]:
    """Return the champion's figures on `test`, or None and why it cannot be compared.

    Raises:
        StepError: a champion is named, but it cannot be fetched intact.
    """
    champion = tracking.aliased(usecase.model, CHAMPION)
    if champion is None:
        return None, ("there is no champion yet",)
    repository = f"{MODELS}/{usecase.model}"
    signature = json.loads(registry.pull(repository, champion.digest, "signature.json"))
    inputs = tuple(RawInput(x["name"], x["datatype"], "") for x in signature["inputs"])
    if unknown := sorted({item.name for item in inputs} - set(test.columns)):
        missing = ", ".join(unknown)
        return None, (
            f"champion version {champion.version} asks for {missing}, now not in the data",
        )
    model = registry.pull(repository, champion.digest, "model.onnx")
    outcome = test[usecase.label].to_numpy()
    return metrics.measure(outcome, graph.probabilities(model, test, inputs)), (
        f"compared with champion version {champion.version}",
    )
