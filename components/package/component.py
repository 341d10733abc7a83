# ruff: noqa: PLC0415 -- kfp ships a component's body alone, so it imports for itself
"""The kfp step `package`: graph, parts and card in; the pushed package's digest out."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def package(
    usecase: str,
    model: dsl.Input[dsl.Model],
    train: dsl.Input[dsl.Dataset],
    test: dsl.Input[dsl.Dataset],
    card: dsl.Input[dsl.Markdown],
) -> str:
    """Push the package and return its manifest's digest."""
    from pathlib import Path

    from components.package import step
    from usecases.contract import load

    parts = {"train": train.path, "test": test.path}
    return step.package(load(usecase), model.path, parts, Path(card.path).read_text())
