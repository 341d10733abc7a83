# ruff: noqa: PLC0415, PLR0913, PLR0917 -- kfp ships a body alone; inputs are its parameters
"""The kfp step `package`: graph, parts and figures in; the pushed package's digest out."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def package(
    usecase: str,
    model: dsl.Input[dsl.Model],
    train: dsl.Input[dsl.Dataset],
    validation: dsl.Input[dsl.Dataset],
    test: dsl.Input[dsl.Dataset],
    report: dsl.Input[dsl.Artifact],
    evaluation: dsl.Input[dsl.Artifact],
    decision: dsl.Input[dsl.Artifact],
    card: dsl.Output[dsl.Markdown],
) -> str:
    """Write the card, push the package and return its manifest's digest."""
    from pathlib import Path

    from components.package import step
    from usecases.contract import load

    parts = {"train": train.path, "validation": validation.path, "test": test.path}
    facts = {"report": report.path, "evaluation": evaluation.path, "decision": decision.path}
    digest, text = step.package(load(usecase), model.path, parts, facts)
    Path(card.path).write_text(text)
    return digest
