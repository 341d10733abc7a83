# ruff: noqa: PLC0415, PLR0913, PLR0917 -- kfp ships a body alone; inputs are its parameters
"""The kfp step `ingest`: parameters in, snapshots and the MLflow run out."""

from typing import Any

from kfp import dsl

from contracts.steps import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest(
    usecase: str,
    source: str,
    months: str,
    mlflow_run: str,
    pipeline_run: str,
    run: dsl.OutputPath(str),  # type: ignore[valid-type]
) -> dict[str, Any]:
    """Land the source's tables; return `{"version", "tables"}` and write the run's id."""
    from pathlib import Path

    from components.ingest import step
    from usecases.contract import load

    begun = {"mlflow_run": mlflow_run, "pipeline_run": pipeline_run}
    tracked = step.begin(load(usecase), {"usecase": usecase, "months": months}, begun)
    Path(run).write_text(tracked)
    return step.ingest(load(usecase), source, months, tracked)
