# ruff: noqa: PLC0415, PLR0913, PLR0917 -- kfp ships a body alone; inputs are its parameters
"""The kfp step `gate`: figures in; verdict and model card out, and both in MLflow."""

from typing import Any

from kfp import dsl

from contracts.steps import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def gate(
    usecase: str,
    run: str,
    accept_breaking: bool,  # noqa: FBT001
    ingested: dict[str, Any],
    model: dsl.Input[dsl.Model],
    train: dsl.Input[dsl.Dataset],
    validation: dsl.Input[dsl.Dataset],
    test: dsl.Input[dsl.Dataset],
    report: dsl.Input[dsl.Artifact],
    evaluation: dsl.Input[dsl.Artifact],
    decision: dsl.Output[dsl.Artifact],
    card: dsl.Output[dsl.Markdown],
) -> str:
    """Write the decision as JSON and the card; return `accepted` or `rejected`."""
    import json
    from pathlib import Path

    from components.gate import step
    from usecases.contract import load

    files = {"report": report.path, "evaluation": evaluation.path}
    facts = {name: json.loads(Path(path).read_text()) for name, path in files.items()}
    paths = {"model": model.path, "train": train.path, "validation": validation.path}
    begun = {"run_id": run, "lake_version": ingested["version"], "accept_breaking": accept_breaking}
    verdict, text = step.gate(load(usecase), paths | {"test": test.path}, begun, **facts)
    Path(decision.path).write_text(json.dumps(verdict, indent=1))
    Path(card.path).write_text(text)
    print("\n".join([verdict["verdict"], *verdict["reasons"], *verdict["notes"]]))  # noqa: T201 -- a step's log is its output
    return str(verdict["verdict"])
