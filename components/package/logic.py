"""Packages the served graph with its signature, card and what it was trained on, and pushes it.

Owns which files a packaged model has. The same inputs give the same bytes, hence the same digest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from components import graph
from components.package import provenance
from components.package.background import background
from components.package.reference import reference
from components.package.signature import signature
from components.registry_oci import Layer
from contracts import model_package

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from components.registry_oci import Registry
    from usecases.contract import UseCase

NEWEST: Final = "newest"


def package(
    usecase: UseCase, model: bytes, parts: Mapping[str, pl.DataFrame], card: str, lake_version: str
) -> tuple[Layer, ...]:
    """Return the files: the graph, its signature, the card, and what `parts` it is made of."""
    train = parts["train"]
    predicted = graph.probabilities(model, train, usecase.inputs)
    facts: dict[str, dict[str, Any]] = {
        model_package.SIGNATURE: signature(usecase, parts["test"]),
        provenance.NAME: provenance.provenance(parts, usecase.event_date, lake_version),
        model_package.REFERENCE: reference(usecase, predicted, train),
        model_package.BACKGROUND: background(usecase, predicted, train),
    }
    return (
        Layer(model_package.GRAPH, model_package.GRAPH_TYPE, model),
        *(
            Layer(name, "application/json", json.dumps(fact, indent=1).encode())
            for name, fact in facts.items()
        ),
        Layer(model_package.CARD, "text/markdown", card.encode()),
    )


def push(registry: Registry, usecase: UseCase, files: tuple[Layer, ...]) -> str:
    """Push to `models/<model>` and return the manifest's digest, verified by reading it back.

    The tag is a convenience for people; everything of ours goes by digest.
    """
    return registry.push(model_package.repository(usecase.model), files, NEWEST)
