# ruff: noqa: PLC0415 -- kfp ships a component's body alone, so it imports for itself
"""The kfp step `evaluate`: graph and parts in, figures out."""

from typing import Any

from kfp import dsl

from contracts.steps import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    usecase: str,
    model: dsl.Input[dsl.Model],
    train: dsl.Input[dsl.Dataset],
    test: dsl.Input[dsl.Dataset],
    evaluation: dsl.Output[dsl.Artifact],
) -> dict[str, Any]:
    """Write the evaluation as JSON; return `{"rows", "rate", "model", "baseline"}`."""
    import json
    from pathlib import Path

    import polars as pl

    from components.evaluate import logic
    from usecases.contract import load

    graph = Path(model.path).read_bytes()
    past, held_out = (pl.read_parquet(part.path, glob=False) for part in (train, test))
    found = logic.evaluate(load(usecase), graph, past, held_out).as_json()
    Path(evaluation.path).write_text(json.dumps(found, indent=1))
    return {key: found[key] for key in ("rows", "rate", "model", "baseline")}
