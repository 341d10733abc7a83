"""Makes a packaged model a version in MLflow's registry, with its figures.

Owns a version's tags. The version points at the package's digest; MLflow holds no copy of the
model. What its run shows is written by `components/gate`, which rejected models pass, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.model_package import Source, repository

if TYPE_CHECKING:
    from components.tracking import ModelVersion, Tracking
    from usecases.contract import UseCase


def register(
    tracking: Tracking, usecase: UseCase, digest: str, facts: dict[str, dict[str, Any]]
) -> ModelVersion:
    """Make the version and end the run; `facts` are evaluation and decision, which names it."""
    run = str(facts["decision"]["run_id"])
    tags = version_tags(digest, facts)
    source = str(Source(repository(usecase.model), digest))
    version = tracking.register(usecase.model, run, source, tags, usecase.card.title)
    tracking.log(run, tags={"digest": digest, "model_version": version.version})
    tracking.end_run(run)
    return version


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
