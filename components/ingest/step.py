"""What the ingest step does, in order: begin the run in MLflow, land the tables, name them there.

Owns the order and the connection. A run that `slipway run` started is in MLflow already; one that
Kubeflow Pipelines started by itself begins here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components import datasets, endpoints
from components.ingest import logic
from components.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usecases.contract import UseCase


def begin(usecase: UseCase, parameters: Mapping[str, str], begun: Mapping[str, str]) -> str:
    """Return the id of the pipeline run's one MLflow run; empty where no MLflow is named.

    `begun` holds `mlflow_run`, empty if there is none yet, and `pipeline_run`.
    """
    if not endpoints.tracked():
        return ""
    pipeline_run = begun["pipeline_run"]
    with Tracking(endpoints.tracking()) as tracking:
        run = begun["mlflow_run"] or tracking.start_run(usecase.model, f"run {pipeline_run}", {})
        tracking.log(run, params=parameters, tags={"pipeline_run": pipeline_run})
    return run


def ingest(usecase: UseCase, source: str, months: str, run: str) -> dict[str, Any]:
    """Return what `logic.ingest` returns, and name the tables' versions in the MLflow run.

    Raises:
        StepError: see `logic.land`.
    """
    frames, snapshots = logic.land(usecase, endpoints.lake(), source, months)
    landed = logic.described(snapshots)
    if run:
        with Tracking(endpoints.tracking()) as tracking:
            tracking.log_inputs(run, datasets.of_tables(frames, snapshots))
            tracking.log(run, tags={"lake_version": landed["version"]})
    return landed
