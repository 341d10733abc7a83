"""Makes a packaged model a version in MLflow's registry, with card, plots and figures.

Owns a version's tags and what its run keeps as artifacts. The version points at the package's
digest; MLflow holds no copy of the model.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from components.register import plots

if TYPE_CHECKING:
    from components.tracking import ModelVersion, Tracking
    from usecases.contract import UseCase


def register(
    tracking: Tracking,
    usecase: UseCase,
    digest: str,
    facts: dict[str, dict[str, Any]],
    card: str,
) -> ModelVersion:
    """Store card and plots with the run, make the version and end the run.

    `facts` are the report, the evaluation and the decision, which names the run.
    """
    run = str(facts["decision"]["run_id"])
    tracking.upload(run, artifacts(facts, card))
    tags = version_tags(digest, facts)
    source = f"oci://models/{usecase.model}@{digest}"
    version = tracking.register(usecase.model, run, source, tags, usecase.card.title)
    tracking.log(run, tags={"digest": digest, "model_version": version.version})
    tracking.end_run(run)
    return version


def artifacts(facts: dict[str, dict[str, Any]], card: str) -> dict[str, bytes]:
    """Return the run's files: card, the facts as JSON, and the plots as PNG."""
    evaluation, report = facts["evaluation"], facts["report"]
    return {
        "model_card.md": card.encode(),
        **{f"{name}.json": json.dumps(fact, indent=1).encode() for name, fact in facts.items()},
        "plots/calibration.png": plots.calibration(evaluation["reliability"]),
        "plots/roc.png": plots.roc(evaluation["roc"], evaluation),
        "plots/importance.png": plots.importance(report["importance"]),
    }


def version_tags(digest: str, facts: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return a model version's tags, the baseline's figures as `baseline_<metric>`."""
    evaluation, decision = facts["evaluation"], facts["decision"]
    figures = evaluation["model"] | {f"baseline_{k}": v for k, v in evaluation["baseline"].items()}
    return {
        "digest": digest,
        "lake_version": decision["lake_version"],
        "run_id": decision["run_id"],
        **{name: f"{value:.6f}" for name, value in figures.items()},
    }
