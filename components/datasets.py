"""What data a run used, as MLflow's data sets: name, digest, source, schema, profile.

Owns their form, which MLflow's page and `mlflow.data` read. A digest is of the rows' content, so
equal rows have equal digests whichever version of a table they came from.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.lake import Snapshot
    from usecases.contract import UseCase

CONTEXT: Final = "mlflow.data.context"
CONTEXTS: Final = {"train": "training", "validation": "validation", "test": "test"}
_DIGITS: Final = 16
_TYPES: Final[dict[type[pl.DataType], str]] = {
    pl.Boolean: "boolean",
    pl.Int32: "integer",
    pl.Int64: "long",
    pl.Float32: "float",
    pl.Float64: "double",
    pl.String: "string",
    pl.Date: "datetime",
    pl.Datetime: "datetime",
}


def of_tables(
    frames: Mapping[str, pl.DataFrame], snapshots: Mapping[str, Snapshot]
) -> list[dict[str, Any]]:
    """Describe the rows that a run reads of each landed table."""
    return [_of_table(name, frame, snapshots[name]) for name, frame in frames.items()]


def of_parts(
    usecase: UseCase, parts: Mapping[str, pl.DataFrame], lake_version: str
) -> list[dict[str, Any]]:
    """Describe the rows that a model is trained, tuned and judged on.

    They are no table: the source names the versions of those that they were joined from.
    """
    return [
        _dataset(
            f"{usecase.model} {name}",
            rows,
            CONTEXTS[name],
            ("code", {"tags": {"lake_version": lake_version, "part": name}}),
            {
                "num_rows": rows.height,
                "positives": int(rows[usecase.label].sum()),
                "first_day": str(rows[usecase.event_date].min()),
                "last_day": str(rows[usecase.event_date].max()),
            },
        )
        for name, rows in parts.items()
    ]


def _of_table(name: str, frame: pl.DataFrame, snapshot: Snapshot) -> dict[str, Any]:
    source = {"path": snapshot.uri, "delta_table_version": snapshot.version}
    profile = {
        "num_rows": frame.height,
        "version": snapshot.version,
        "partitions": list(snapshot.partitions),
    }
    return _dataset(name, frame, "source", ("delta_table", source), profile)


def _dataset(
    name: str,
    rows: pl.DataFrame,
    context: str,
    source: tuple[str, dict[str, Any]],
    profile: dict[str, Any],
) -> dict[str, Any]:
    kind, place = source
    columns = [
        {"name": column, "type": _TYPES.get(dtype.base_type(), "string"), "required": True}
        for column, dtype in rows.schema.items()
    ]
    return {
        "tags": [{"key": CONTEXT, "value": context}],
        "dataset": {
            "name": name,
            "digest": _digest(rows),
            "source_type": kind,
            "source": json.dumps(place),
            "schema": json.dumps({"mlflow_colspec": columns}),
            "profile": json.dumps(profile),
        },
    }


def _digest(rows: pl.DataFrame) -> str:
    return hashlib.sha256(rows.write_csv().encode()).hexdigest()[:_DIGITS]
