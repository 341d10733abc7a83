# ruff: noqa: PLC0415 -- each method imports its own room: a step pays only for what it uses
"""Will a flight that leaves New York arrive more than 15 minutes late?

Owns the use case's one public value, `USECASE`. Its rooms: `source` (files), `schema` (rules),
`observations` (join and label), `features` (the ONNX feature graph), `baseline`, `quality_gates`
(slices and gates), `card` (words), `columns` (names).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from usecases.flight_delays.card import CARD
from usecases.flight_delays.columns import EVENT_DATE, INPUTS, LABEL
from usecases.flight_delays.quality_gates import GATES, TRAINING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import onnx
    import pandera.polars as pa
    import polars as pl

    from usecases.contract import (
        CardText,
        KnownBadCell,
        QualityGates,
        RawInput,
        SourceTable,
        UseCase,
    )


class FlightDelays:
    """The `UseCase` protocol over this folder's rooms."""

    model: Final[str] = "flight-delays"
    inputs: Final[tuple[RawInput, ...]] = INPUTS
    label: Final[str] = LABEL
    event_date: Final[str] = EVENT_DATE
    gates: Final[QualityGates] = GATES
    card: Final[CardText] = CARD
    training: Final[Mapping[str, Any]] = TRAINING

    def read(self, source: str, months: str) -> dict[str, SourceTable]:
        """See `source.read`."""
        from usecases.flight_delays.source import read

        return read(source, months)

    def schemas(self) -> dict[str, pa.DataFrameSchema]:
        """See `schema.SCHEMAS`."""
        from usecases.flight_delays.schema import SCHEMAS

        return SCHEMAS

    def errata(self) -> tuple[KnownBadCell, ...]:
        """See `schema.ERRATA`."""
        from usecases.flight_delays.schema import ERRATA

        return ERRATA

    def observations(self, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """See `observations.build`."""
        from usecases.flight_delays.observations import build

        return build(tables)

    def features(self, train: pl.DataFrame) -> onnx.ModelProto:
        """See `features.fit`."""
        from usecases.flight_delays.features import fit

        return fit(train)

    def baseline(self, train: pl.DataFrame, rows: pl.DataFrame) -> np.ndarray:
        """See `baseline.predict`."""
        from usecases.flight_delays.baseline import predict

        return predict(train, rows)

    def slices(self, rows: pl.DataFrame) -> dict[str, pl.Series]:
        """See `quality_gates.slices`."""
        from usecases.flight_delays.quality_gates import slices

        return slices(rows)


USECASE: Final[UseCase] = FlightDelays()
