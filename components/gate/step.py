"""What the gate step does, in order: score the champion, decide, record.

Owns the order and the connections; each part is its own module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from components import endpoints
from components.evaluate.logic import Evaluation
from components.gate import champion, logic
from components.gate.record import record
from components.registry_oci import Registry
from components.tracking import Tracking

if TYPE_CHECKING:
    from usecases.contract import UseCase


def judge(
    usecase: UseCase,
    test: str,
    parameters: dict[str, Any],
    report: dict[str, Any],
    evaluation: dict[str, Any],
) -> dict[str, Any]:
    """Return the decision as plain data, with the MLflow `run_id` and the `lake_version`.

    `parameters` must hold `pipeline_run` and `lake_version`.
    """
    found = Evaluation.from_json(evaluation)
    settings = {**report["parameters"], "rounds_used": report["rounds"], **parameters}
    with Tracking(endpoints.tracking()) as tracking:
        with Registry(endpoints.registry()) as registry:
            other, notes = champion.score(usecase, pl.read_parquet(test), tracking, registry)
        decision = logic.decide(found, usecase.gates, other, notes)
        run = record(tracking, usecase.model, settings, found, decision)
        if decision.verdict == logic.REJECTED:
            tracking.end_run(run)
    return {
        **decision.as_json(),
        "champion": other,
        "run_id": run,
        "lake_version": parameters["lake_version"],
    }
