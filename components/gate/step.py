"""What the gate step does, in order: compare with the champion, decide, write the card, record.

Owns the order and the connections; each part is its own module.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from components import datasets, endpoints
from components.evaluate.logic import Evaluation
from components.gate import champion, logic
from components.gate.record import files, record
from components.package import card as cards
from components.registry_oci import Registry
from components.tracking import Tracking
from contracts.verdicts import REJECTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usecases.contract import UseCase


def gate(
    usecase: UseCase,
    paths: Mapping[str, str],
    begun: Mapping[str, Any],
    report: dict[str, Any],
    evaluation: dict[str, Any],
) -> tuple[dict[str, Any], str]:
    """Return the decision as plain data, and the model card.

    `paths` are those of `model`, the graph, and of train, validation and test; `begun` holds
    the MLflow run as `run_id`, the `lake_version`, and perhaps `accept_breaking`.
    """
    rows = {
        name: pl.read_parquet(paths[name], glob=False) for name in ("train", "validation", "test")
    }
    candidate = champion.Candidate(
        Path(paths["model"]).read_bytes(),
        rows["test"],
        accept_breaking=begun.get("accept_breaking", False),
    )
    figures, run = Evaluation.from_json(evaluation), begun["run_id"]
    with Tracking(endpoints.tracking()) as tracking:
        with Registry(endpoints.registry()) as registry:
            compared = champion.compare(usecase, candidate, tracking, registry)
        decision = logic.decide(figures, usecase.gates, compared)
        outcome = {**decision.as_json(), "champion": compared.champion, **begun}
        card = cards.write(usecase, rows, report, figures, outcome)
        facts = {"report": report, "evaluation": evaluation, "decision": outcome}
        record(tracking, run, report, figures, decision)
        tracking.log_inputs(run, datasets.of_parts(usecase, rows, begun["lake_version"]))
        tracking.upload(run, files(usecase.card.title, facts, card))
        if decision.verdict == REJECTED:
            tracking.end_run(run)
    return outcome, card
