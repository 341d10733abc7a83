# ruff: noqa: PLC0415, PLR0913, PLR0917 -- kfp ships a body alone; inputs are its parameters
"""The kfp step `package`: graph, parts and card in; the pushed package's digest out."""

from typing import Any

from kfp import dsl

from contracts.steps import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def package(
    usecase: str,
    model: dsl.Input[dsl.Model],
    train: dsl.Input[dsl.Dataset],
    validation: dsl.Input[dsl.Dataset],
    test: dsl.Input[dsl.Dataset],
    ingested: dict[str, Any],
    card: dsl.Input[dsl.Markdown],
) -> str:
    """Push the package and return its manifest's digest."""
    from pathlib import Path

    from components.package import step
    from usecases.contract import load

    parts = {"train": train.path, "validation": validation.path, "test": test.path}
    text = Path(card.path).read_text()
    return step.package(load(usecase), model.path, parts, text, ingested["version"])
