"""Writes a judged model to the tracking server, whatever the verdict.

Owns what a run's parameters, metrics and tags are called. A rejected model is as visible as an
accepted one; only registration adds a version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.evaluate.logic import Evaluation
    from components.gate.logic import Decision
    from components.tracking import Tracking


def record(
    tracking: Tracking,
    experiment: str,
    parameters: dict[str, Any],
    evaluation: Evaluation,
    decision: Decision,
) -> str:
    """Start the pipeline run's one MLflow run with its numbers and verdict; return its id.

    `parameters` must hold `pipeline_run` and `lake_version`, which become tags too.
    """
    tags = {
        "verdict": decision.verdict,
        "lake_version": str(parameters["lake_version"]),
        "pipeline_run": str(parameters["pipeline_run"]),
        "reasons": " | ".join(decision.reasons),
    }
    run = tracking.start_run(experiment, f"training {parameters['pipeline_run']}", tags)
    tracking.log(run, params=parameters, metrics=figures(evaluation))
    return run


def figures(evaluation: Evaluation) -> dict[str, float]:
    """Return the model's metrics under their names and the baseline's as `baseline_<name>`."""
    return {
        "test_rows": evaluation.rows,
        "test_rate": evaluation.rate,
        **evaluation.model,
        **{f"baseline_{name}": value for name, value in evaluation.baseline.items()},
    }
