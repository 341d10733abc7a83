"""What the gate step does, in order: compare with the champion, decide, record.

Owns the order and the connections; each part is its own module.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from components import endpoints
from components.evaluate.logic import Evaluation
from components.gate import champion, logic
from components.gate.record import record
from components.registry_oci import Registry
from components.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usecases.contract import UseCase


def judge(
    usecase: UseCase,
    files: Mapping[str, str],
    parameters: dict[str, Any],
    report: dict[str, Any],
    evaluation: dict[str, Any],
) -> dict[str, Any]:
    """Return the decision as plain data, with the MLflow `run_id` and the `lake_version`.

    `files` are the paths of `model`, the graph, and `test`, the held-out rows. `parameters` must
    hold `pipeline_run` and `lake_version`, and may hold `accept_breaking`.
    """
    found = Evaluation.from_json(evaluation)
    candidate = champion.Candidate(
        Path(files["model"]).read_bytes(),
        pl.read_parquet(files["test"]),
        accept_breaking=bool(parameters.get("accept_breaking")),
    )
    settings = {**report["parameters"], "rounds_used": report["rounds"], **parameters}
    with Tracking(endpoints.tracking()) as tracking:
        with Registry(endpoints.registry()) as registry:
            compared = champion.compare(usecase, candidate, tracking, registry)
        decision = logic.decide(found, usecase.gates, compared)
        run = record(tracking, usecase.model, settings, found, decision)
        if decision.verdict == logic.REJECTED:
            tracking.end_run(run)
    return {
        **decision.as_json(),
        "champion": compared.champion,
        "run_id": run,
        "lake_version": parameters["lake_version"],
    }
