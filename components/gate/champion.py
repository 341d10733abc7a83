"""Holds a candidate beside the current champion.

Owns finding and fetching the champion, the rows on which both are scored, and what is held back
for its sake. Figures stored with the champion would not do: they are of other rows. Nor would
rows that it was trained on: it knows them by heart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from components import graph
from components.evaluate import metrics
from components.gate import compatibility
from components.gate.logic import Check, Comparison
from components.package import provenance
from components.package.signature import tensors
from contracts import model_package
from contracts.slots import CHAMPION
from usecases.contract import RawInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.evaluate.logic import Figures
    from components.registry_oci import Registry
    from components.tracking import Tracking
    from usecases.contract import UseCase


@dataclass(frozen=True)
class Candidate:
    """A model that wants to be champion: its graph and its held-out rows.

    `accept_breaking` is whether the run says that callers of the champion may be broken.
    """

    model: bytes
    test: pl.DataFrame
    accept_breaking: bool = False


@dataclass(frozen=True)
class _Packaged:
    """The champion: its version, and its files by name."""

    version: str
    files: Mapping[str, bytes]

    @property
    def signature(self) -> dict[str, Any]:
        """What it takes and gives."""
        found: dict[str, Any] = json.loads(self.files[model_package.SIGNATURE])
        return found

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """The raw features that it takes."""
        return tuple(RawInput(x["name"], x["datatype"], "") for x in self.signature["inputs"])


def compare(
    usecase: UseCase, candidate: Candidate, tracking: Tracking, registry: Registry
) -> Comparison:
    """Return how the candidate and the champion do on rows that neither was trained on.

    Raises:
        StepError: a champion is named, but it cannot be fetched intact.
    """
    found = tracking.aliased(usecase.model, CHAMPION)
    if found is None:
        return Comparison(("there is no champion yet",))
    files = registry.files(model_package.repository(usecase.model), found.digest)
    champion = _Packaged(found.version, {layer.name: layer.content for layer in files})
    checks, notes = _callers(usecase, candidate, champion)
    compared = _figures(usecase, candidate, champion)
    return Comparison(
        (*compared.notes, *notes),
        (*checks, *compared.checks),
        compared.champion,
        compared.candidate,
    )


def _callers(
    usecase: UseCase, candidate: Candidate, champion: _Packaged
) -> tuple[list[Check], list[str]]:
    """What the champion's callers would notice: failed checks, or notes if the run accepts it."""
    found = [
        f"{change} (callers of version {champion.version})"
        for change in compatibility.breaking(champion.signature, tensors(usecase))
    ]
    if candidate.accept_breaking:
        return [], [f"accepted by accept_breaking: {change}" for change in found]
    remedy = "must not break callers unless the run says accept_breaking=true"
    return [Check(f"{change}, {remedy}", 1, 0, passed=False) for change in found], []


def _figures(usecase: UseCase, candidate: Candidate, champion: _Packaged) -> Comparison:
    who, inputs = f"champion version {champion.version}", champion.inputs
    types = {item.name: item.datatype for item in usecase.inputs}
    if unknown := sorted(
        item.name
        for item in inputs
        if item.name not in candidate.test.columns
        or types.get(item.name, item.datatype) != item.datatype
    ):
        missing = ", ".join(unknown)
        return Comparison((f"{who} asks for {missing}, now not in the data",))
    days = provenance.seen(champion.files)
    if days is None:
        return _incomparable(usecase, 0, f"{who} does not say what it was trained on")
    rows = candidate.test.filter(~pl.col(usecase.event_date).is_in(list(days)))
    outcome = rows[usecase.label].to_numpy()
    of = f"{rows.height:,} of {candidate.test.height:,} held-out rows are new to {who}"
    if rows.height < max(usecase.gates.champion_rows, 1) or not 0 < outcome.mean() < 1:
        return _incomparable(usecase, rows.height, of)

    def scored(model: bytes, inputs: tuple[RawInput, ...]) -> Figures:
        return metrics.measure(outcome, graph.probabilities(model, rows, inputs))

    all_new = rows.height == candidate.test.height
    return Comparison(
        (f"compared with {who}" if all_new else f"compared on what is new to both: {of}",),
        champion=scored(champion.files[model_package.GRAPH], inputs),
        candidate=None if all_new else scored(candidate.model, usecase.inputs),
    )


def _incomparable(usecase: UseCase, rows: int, why: str) -> Comparison:
    """What the use case's gates say of a candidate that cannot be compared fairly."""
    gates = usecase.gates
    if gates.champion_unseen == "accept":
        return Comparison((f"not compared with the champion: {why}",))
    rule = (
        f"{why}, must be at least {gates.champion_rows:,} of both outcomes to compare on:"
        " train on later data, or set the gates' champion_unseen"
    )
    return Comparison((), (Check(rule, rows, gates.champion_rows, passed=False),))
