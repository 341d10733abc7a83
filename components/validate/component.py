# ruff: noqa: PLC0415 -- kfp ships a component's body alone, so it imports for itself
"""The kfp step `validate`: snapshots in, observations out."""

from typing import Any

from kfp import dsl

from contracts.steps import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def validate(usecase: str, ingested: dict[str, Any], observations: dsl.Output[dsl.Dataset]) -> None:
    """Check the landed tables and write the observations as Parquet."""
    from components.validate import logic
    from usecases.contract import load

    rows = logic.validate(load(usecase), ingested["tables"])
    rows.write_parquet(observations.path)
    print(f"{rows.height} observations of {ingested['version']} keep every rule")  # noqa: T201 -- a step's log is its output
