"""Delta tables of source data: written only when content changes, read at an exact version.

Owns how a use case's tables lie in the lake, and in which types. A version is Delta's own;
concurrent writers are kept apart by the object store's conditional puts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from deltalake import DeltaTable, Schema, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from usecases.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usecases.contract import SourceTable

STORAGE: Final = {"aws_conditional_put": "etag"}
KEPT_AS: Final[Mapping[Any, Any]] = {
    pl.UInt8: pl.Int16,
    pl.UInt16: pl.Int32,
    pl.UInt32: pl.Int64,
    pl.Categorical: pl.String,
    pl.Enum: pl.String,
    pl.Null: pl.String,
    pl.Datetime("ms"): pl.Datetime("us"),
    pl.Datetime("ms", "UTC"): pl.Datetime("us", "UTC"),
}
"""Types that Delta lacks, and those of its own that hold each of their values as it is."""


@dataclass(frozen=True)
class Snapshot:
    """What a run reads: one table at one version, and the partitions it asked for."""

    uri: str
    version: int
    partition_by: str | None = None
    partitions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as a step passes it on; kfp's values know no null."""
        return {**asdict(self), "partition_by": self.partition_by or ""}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Snapshot:
        """Read what `as_json` wrote; a pipeline's numbers may come back as floats."""
        return cls(
            uri=value["uri"],
            version=int(value["version"]),
            partition_by=value["partition_by"] or None,
            partitions=tuple(value["partitions"]),
        )


def land(uri: str, table: SourceTable) -> Snapshot:
    """Bring the table's partitions in the lake to `table`'s content, and say what to read.

    The same content again writes nothing. Other content replaces the named partitions in one
    commit. Other columns, other types or another partitioning start the table anew: nothing is
    cast to what was there before, and Delta keeps its earlier versions.

    Raises:
        StepError: a column's type cannot be kept as it is, a row has no partition, or the object
            store cannot be reached or refuses.
    """
    table = _storable(uri, table)
    partitions = _partitions(table)
    try:
        current = _open(uri)
        if current is None or not _holds(current, table, partitions):
            _write(uri, table, partitions, current)
            current = DeltaTable(uri, storage_options=STORAGE)
    except (DeltaError, OSError) as error:
        raise StepError(
            f"the lake at {uri} refused: {error}",
            "check that the object store is up and has room: `slipway status`",
        ) from error
    return Snapshot(uri, current.version(), table.partition_by, partitions)


def read(snapshot: Snapshot) -> pl.DataFrame:
    """Return the snapshot's rows in the source's order."""
    table = DeltaTable(snapshot.uri, version=snapshot.version, storage_options=STORAGE)
    return _rows(table, snapshot.partition_by, snapshot.partitions)


def _open(uri: str) -> DeltaTable | None:
    try:
        return DeltaTable(uri, storage_options=STORAGE)
    except TableNotFoundError:
        return None


def _storable(uri: str, table: SourceTable) -> SourceTable:
    """The table in types that come back from the lake as they went in.

    Raises:
        StepError: a type has no such place there, or a row has no partition.
    """
    name = uri.rsplit("/", 1)[-1]
    frame = table.frame.cast(dict(KEPT_AS))
    for column, dtype in frame.schema.items():
        if not _comes_back(frame[column]):
            raise StepError(
                f"{name}: the lake keeps no {dtype}, the type of the column {column}",
                "cast it in the use case's `read`, for example to String",
            )
    if (by := table.partition_by) is not None:
        _require_partitions(name, frame[by])
    return replace(table, frame=frame)


def _comes_back(column: pl.Series) -> bool:
    try:
        kept = pl.Schema(Schema.from_arrow(column.head(0).to_frame().to_arrow().schema).to_arrow())
    except Exception:  # noqa: BLE001 -- deltalake's own way to refuse a type, and pyarrow's another
        return False
    # Nanoseconds are an extension that other readers of Delta do not know.
    return kept[column.name] == column.dtype and column.dtype != pl.Datetime("ns")


def _require_partitions(name: str, column: pl.Series) -> None:
    if not (column.dtype in {pl.String, pl.Date} or column.dtype.is_integer()):
        raise StepError(
            f"{name}: it is partitioned by {column.name}, which is {column.dtype}",
            "partition it by a text, a whole number or a date in the use case's `read`",
        )
    if lost := int((column.is_null() | (column.cast(pl.String) == "")).sum()):
        raise StepError(
            f"{name}: {lost} rows have no {column.name}, by which the lake partitions the table",
            "mend or drop them in the use case's `read`",
        )


def _partitions(table: SourceTable) -> tuple[str, ...]:
    if table.partition_by is None:
        return ()
    return tuple(sorted(table.frame[table.partition_by].cast(pl.String).unique().to_list()))


def _holds(current: DeltaTable, table: SourceTable, partitions: tuple[str, ...]) -> bool:
    """Tell whether the lake's partitions already are the given rows."""
    if not _same_form(current, table):
        return False
    stored = _rows(current, table.partition_by, partitions)
    return stored.select(table.frame.columns).equals(table.frame)


def _same_form(current: DeltaTable, table: SourceTable) -> bool:
    """Tell whether columns, their types and the partitioning are those of the lake."""
    by = [] if table.partition_by is None else [table.partition_by]
    return current.metadata().partition_columns == by and dict(
        pl.Schema(current.schema().to_arrow())
    ) == dict(table.frame.schema)


def _rows(table: DeltaTable, by: str | None, partitions: tuple[str, ...]) -> pl.DataFrame:
    rows = pl.scan_delta(table)
    if by is not None:
        rows = rows.filter(pl.col(by).cast(pl.String).is_in(partitions))
    return rows.sort("row").collect()


def _write(
    uri: str, table: SourceTable, partitions: tuple[str, ...], current: DeltaTable | None
) -> None:
    by = table.partition_by
    if current is None or by is None or not _same_form(current, table):
        write_deltalake(
            uri,
            table.frame,
            partition_by=[by] if by else [],
            mode="overwrite",
            schema_mode="overwrite",
            storage_options=STORAGE,
        )
        return
    values = ", ".join("'" + value.replace("'", "''") + "'" for value in partitions)
    write_deltalake(current, table.frame, mode="overwrite", predicate=f"{by} IN ({values})")
