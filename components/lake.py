"""Delta tables of source data: written only when content changes, read at an exact version.

Owns how a use case's tables lie in the lake. A version is Delta's own; concurrent writers are
kept apart by the object store's conditional puts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from usecases.errors import StepError

if TYPE_CHECKING:
    from usecases.contract import SourceTable

STORAGE: Final = {"aws_conditional_put": "etag"}


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
    commit. Other columns start the table anew; Delta keeps its earlier versions.

    Raises:
        StepError: the object store cannot be reached or refuses.
    """
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


def _partitions(table: SourceTable) -> tuple[str, ...]:
    if table.partition_by is None:
        return ()
    return tuple(sorted(table.frame[table.partition_by].unique().to_list()))


def _holds(current: DeltaTable, table: SourceTable, partitions: tuple[str, ...]) -> bool:
    """Tell whether the lake's partitions already are the given rows."""
    if not _same_columns(current, table):
        return False
    held = _rows(current, table.partition_by, partitions)
    return held.select(table.frame.columns).equals(table.frame)


def _same_columns(current: DeltaTable, table: SourceTable) -> bool:
    return {field.name for field in current.schema().fields} == set(table.frame.columns)


def _rows(table: DeltaTable, by: str | None, partitions: tuple[str, ...]) -> pl.DataFrame:
    rows = pl.scan_delta(table)
    if by is not None:
        rows = rows.filter(pl.col(by).is_in(partitions))
    return rows.sort("row").collect()


def _write(
    uri: str, table: SourceTable, partitions: tuple[str, ...], current: DeltaTable | None
) -> None:
    by = table.partition_by
    if current is None or by is None or not _same_columns(current, table):
        write_deltalake(
            uri,
            table.frame,
            partition_by=by,
            mode="overwrite",
            schema_mode="overwrite",
            storage_options=STORAGE,
        )
        return
    values = ", ".join(f"'{value}'" for value in partitions)
    write_deltalake(current, table.frame, mode="overwrite", predicate=f"{by} IN ({values})")
