"""Writes a judged model to its MLflow run, whatever the verdict.

Owns what a run's metrics, tags and files are called. A rejected model is as visible as an
accepted one; only registration adds a version.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from components.register import plots
from contracts.mlflow_api import NOTE
from contracts.model_package import CARD

if TYPE_CHECKING:
    from components.evaluate.logic import Evaluation
    from components.gate.logic import Decision
    from components.tracking import Tracking


def record(
    tracking: Tracking,
    run: str,
    report: dict[str, Any],
    evaluation: Evaluation,
    decision: Decision,
) -> None:
    """Add the parameters of training, the figures, the curves and the verdict to the run."""
    tags = {
        "verdict": decision.verdict,
        "reasons": " | ".join(decision.reasons),
        NOTE: _note(decision),
    }
    parameters = {**report["parameters"], "rounds_used": report["rounds"]}
    tracking.log(run, params=parameters, metrics=figures(evaluation), tags=tags)
    tracking.log_curves(run, report["curves"])


def figures(evaluation: Evaluation) -> dict[str, float]:
    """Return the model's metrics under their names and the baseline's as `baseline_<name>`."""
    return {
        "test_rows": evaluation.rows,
        "test_rate": evaluation.rate,
        **evaluation.model,
        **{f"baseline_{name}": value for name, value in evaluation.baseline.items()},
    }


def files(title: str, facts: dict[str, dict[str, Any]], card: str) -> dict[str, bytes]:
    """Return the run's files: card, the facts as JSON, and the plots as PNG.

    `facts` are the report, the evaluation and the decision; `title` is the model's.
    """
    evaluation, report = facts["evaluation"], facts["report"]
    return {
        CARD: card.encode(),
        **{f"{name}.json": json.dumps(fact, indent=1).encode() for name, fact in facts.items()},
        **{f"plots/{name}.png": png for name, png in plots.draw(title, evaluation, report).items()},
    }


def _note(decision: Decision) -> str:
    """The verdict and every check, in Markdown."""
    lines = [f"**{decision.verdict}**", "", *(f"- {check}" for check in decision.checks)]
    return "\n".join([*lines, *(f"- {note}" for note in decision.notes)])
