"""What a use case must offer so that the components can train, judge and ship its model.

Owns the protocol and its plain data. A fork adds a folder `usecases/<name>/` whose package holds
`USECASE`, a value of this protocol; no component names a use case.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from usecases.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import onnx
    import pandera.polars as pa
    import polars as pl

Datatype = Literal["INT64", "FP32", "BYTES"]
Metric = Literal["roc_auc", "pr_auc", "log_loss", "brier", "ece"]


@dataclass(frozen=True)
class RawInput:
    """One raw feature as the served model takes it: a tensor of shape [N, 1].

    `datatype` is the Open Inference Protocol's name for its type, `meaning` what it says to a
    caller, `unit` what it is counted in. `values` are those that mean something, where they are
    few; another is taken, as one that is not known.
    """

    name: str
    datatype: Datatype
    meaning: str
    unit: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceTable:
    """One table as its source gave it; nothing is judged yet.

    `frame` has the source's columns, in the types that the source has: text from a file of text.
    And it has `row`, the 1-based row of the source (its header not counted). `partition_by` names
    the column (text, whole numbers or dates) by whose values the lake replaces rows; without one
    the whole table is replaced.
    """

    frame: pl.DataFrame
    partition_by: str | None = None


@dataclass(frozen=True)
class KnownBadCell:
    """A cell that is known to be wrong as published: it counts as missing, for the reason given.

    Rows are found by the cell's exact text, so a mended source makes the entry void, not harmful.
    """

    table: str
    column: str
    value: str
    why: str


@dataclass(frozen=True)
class QualityGates:
    """What a model must reach on held-out rows before it may serve.

    Attributes:
        beats_baseline: by how much each metric must be better than the baseline's.
        at_most: upper bounds of a metric.
        slices: how much worse than the baseline a metric may be on any slice.
        slice_rows: slices with fewer rows are reported but not judged: their figures are noise.
        champion: how much worse than the champion's, on the same rows, a metric may be.
        champion_rows: fewest held-out rows, new to both models, that they are compared on.
        champion_unseen: what becomes of a model for which there are fewer: the champion is kept,
            as nothing says that the new one is no worse, or the new one is accepted if it passes
            all else.
    """

    beats_baseline: Mapping[Metric, float] = field(default_factory=dict)
    at_most: Mapping[Metric, float] = field(default_factory=dict)
    slices: Mapping[Metric, float] = field(default_factory=dict)
    slice_rows: int = 500
    champion: Mapping[Metric, float] = field(default_factory=dict)
    champion_rows: int = 500
    champion_unseen: Literal["keep", "accept"] = "keep"


@dataclass(frozen=True)
class CardText:
    """What no figure can say in a model card."""

    title: str
    purpose: str
    data: str
    target: str
    baseline: str
    limits: tuple[str, ...]


@runtime_checkable
class UseCase(Protocol):
    """One model: its data, its rules, its features and what it must reach.

    Methods import what they need when called: a step pays only for what it uses.
    """

    @property
    def model(self) -> str:
        """The name under which the model is registered and served."""

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """The raw features, in the order of the served signature."""

    @property
    def label(self) -> str:
        """The 0/1 column of `observations` to predict."""

    @property
    def event_date(self) -> str:
        """The date column of `observations` by which rows are split."""

    @property
    def gates(self) -> QualityGates:
        """What a model must reach."""

    @property
    def card(self) -> CardText:
        """The words of the model card."""

    @property
    def training(self) -> Mapping[str, Any]:
        """LightGBM's parameters, without seed, threads and rounds."""

    def read(self, source: str, months: str) -> dict[str, SourceTable]:
        """Read `months` of the source's tables; `source` is a folder, "" the default one.

        Raises:
            StepError: a month that does not exist, a file that is missing or cannot be read.
        """

    def schemas(self) -> dict[str, pa.DataFrameSchema]:
        """Each source table's columns, types and rules."""

    def errata(self) -> tuple[KnownBadCell, ...]:
        """Cells of the source that are known to be wrong."""

    def observations(self, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """Join checked tables to one row per case: the inputs, the label, the event date."""

    def features(self, train: pl.DataFrame) -> onnx.ModelProto:
        """Learn the feature graph: raw inputs, each [N, 1], to `features` [N, F] FP32.

        The names of the F features are in the model's metadata under `features`, comma-separated.
        """

    def baseline(self, train: pl.DataFrame, rows: pl.DataFrame) -> np.ndarray:
        """Probabilities [N] for `rows` by the rule that a model must beat, learned on `train`."""

    def slices(self, rows: pl.DataFrame) -> dict[str, pl.Series]:
        """For each dimension that is judged apart, each row's value as a string."""


def load(name: str) -> UseCase:
    """Return the use case in `usecases/<name>/`.

    Raises:
        StepError: there is none of that name, or its package offers no `USECASE`.
    """
    known = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.ispkg)
    if name not in known:
        raise StepError(f"no use case {name!r}", f"choose one of: {', '.join(known)}")
    usecase = getattr(importlib.import_module(f"usecases.{name}"), "USECASE", None)
    if not isinstance(usecase, UseCase):
        raise StepError(
            f"usecases/{name}/__init__.py offers no USECASE of the protocol",
            "see usecases/contract.py for what it must offer",
        )
    return usecase
