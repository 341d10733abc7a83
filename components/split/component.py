# ruff: noqa: PLC0415 -- kfp ships a component's body alone, so it imports for itself
"""The kfp step `split`: observations in, three parts out."""

from kfp import dsl

from contracts.steps import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def split(
    usecase: str,
    observations: dsl.Input[dsl.Dataset],
    train: dsl.Output[dsl.Dataset],
    validation: dsl.Output[dsl.Dataset],
    test: dsl.Output[dsl.Dataset],
) -> None:
    """Write the three parts as Parquet."""
    import polars as pl

    from components.split import logic
    from usecases.contract import load

    parts = logic.split(pl.read_parquet(observations.path, glob=False), load(usecase).event_date)
    parts.train.write_parquet(train.path)
    parts.validation.write_parquet(validation.path)
    parts.test.write_parquet(test.path)
