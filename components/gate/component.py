# ruff: noqa: PLC0415, PLR0913, PLR0917 -- kfp ships a body alone; inputs are its parameters
"""The kfp step `gate`: figures in, verdict out; the MLflow run starts here."""

from typing import Any

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def gate(
    usecase: str,
    months: str,
    pipeline_run: str,
    accept_breaking: bool,  # noqa: FBT001
    ingested: dict[str, Any],
    model: dsl.Input[dsl.Model],
    test: dsl.Input[dsl.Dataset],
    report: dsl.Input[dsl.Artifact],
    evaluation: dsl.Input[dsl.Artifact],
    decision: dsl.Output[dsl.Artifact],
) -> str:
    """Write the decision as JSON and return `accepted` or `rejected`."""
    import json
    from pathlib import Path

    from components.gate import step
    from usecases.contract import load

    files = {"report": report.path, "evaluation": evaluation.path}
    found = {name: json.loads(Path(path).read_text()) for name, path in files.items()}
    given: dict[str, Any] = {"usecase": usecase, "months": months, "pipeline_run": pipeline_run}
    given |= {"lake_version": ingested["version"], "accept_breaking": accept_breaking}
    paths = {"model": model.path, "test": test.path}
    decided = step.judge(load(usecase), paths, given, **found)
    Path(decision.path).write_text(json.dumps(decided, indent=1))
    print("\n".join([decided["verdict"], *decided["reasons"], *decided["notes"]]))  # noqa: T201 -- a step's log is its output
    return str(decided["verdict"])
