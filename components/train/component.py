# ruff: noqa: PLC0415, PLR0913, PLR0917 -- kfp ships a body alone; inputs are its parameters
"""The kfp step `train`: two parts in, one ONNX graph and a report out."""

from kfp import dsl

from contracts.steps import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(
    usecase: str,
    rounds: int,
    seed: int,
    train: dsl.Input[dsl.Dataset],
    validation: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    report: dsl.Output[dsl.Artifact],
) -> None:
    """Write the served graph as ONNX and the training report as JSON."""
    import json
    from pathlib import Path

    import polars as pl

    from components.train import logic
    from usecases.contract import load

    first, second = (pl.read_parquet(part.path, glob=False) for part in (train, validation))
    trained = logic.train(load(usecase), first, second, rounds, seed)
    Path(model.path).write_bytes(trained.model)
    Path(report.path).write_text(json.dumps(trained.report(), indent=1))
    print(f"{trained.rounds} trees, graph within {trained.parity:.1g} of them")  # noqa: T201 -- a step's log is its output
