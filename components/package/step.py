"""What the package step does, in order: files, signature, push.

Owns the order, reading its inputs and the connection; each part is its own module.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from components import endpoints
from components.package import logic, signing
from components.registry_oci import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usecases.contract import UseCase


def package(
    usecase: UseCase, model: str, parts: Mapping[str, str], card: str, lake_version: str
) -> str:
    """Push the package and return its digest.

    `model` is the graph's path, `card` the model card; `parts` maps train, validation and test to
    paths of Parquet files.
    """
    rows = {name: pl.read_parquet(path, glob=False) for name, path in parts.items()}
    graph = Path(model).read_bytes()
    files = logic.package(usecase, graph, rows, card, lake_version)
    if key := endpoints.signing_key():
        files = (*files, signing.sign(usecase.model, files, key))
    with Registry(endpoints.registry()) as registry:
        return logic.push(registry, usecase, files)
