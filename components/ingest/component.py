# ruff: noqa: PLC0415 -- kfp ships a component's body alone, so it imports for itself
"""The kfp step `ingest`: parameters in, snapshots out."""

from typing import Any

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest(usecase: str, source: str, months: str) -> dict[str, Any]:
    """Land the source's tables in the lake; return `{"version", "tables"}`."""
    from components import endpoints
    from components.ingest import logic
    from usecases.contract import load

    return logic.ingest(load(usecase), endpoints.lake(), source, months)
