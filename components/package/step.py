"""What the package step does, in order: card, files, signature, push.

Owns the order, reading its inputs and the connection; each part is its own module.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from components import endpoints
from components.evaluate.logic import Evaluation
from components.package import card as cards
from components.package import logic, signing
from components.registry_oci import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usecases.contract import UseCase


def package(
    usecase: UseCase, model: str, parts: Mapping[str, str], facts: Mapping[str, str]
) -> tuple[str, str]:
    """Push the package and return its digest and its card.

    `model` is the graph's path; `parts` and `facts` map names to paths of Parquet and JSON files.
    """
    rows = {name: pl.read_parquet(path) for name, path in parts.items()}
    found = {name: json.loads(Path(path).read_text()) for name, path in facts.items()}
    evaluation = Evaluation.from_json(found["evaluation"])
    card = cards.write(usecase, rows, found["report"], evaluation, found["decision"])
    graph = Path(model).read_bytes()
    files = logic.package(usecase, graph, rows, card, found["decision"]["lake_version"])
    if key := endpoints.signing_key():
        files = (*files, signing.sign(usecase.model, files, key))
    with Registry(endpoints.registry()) as registry:
        return logic.push(registry, usecase, files), card
