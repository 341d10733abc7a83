"""The Delta tables `predictions` and `feedback`: their columns, their commits and their upkeep.

Owns what is written and that nothing is written twice: each commit carries how far it read each
writer's journal, as Delta's application transactions, so the table itself says what it has.

Inputs and outputs are JSON text on purpose. A model's inputs change over its life, and a log with
a column each would have to refuse or cast; so do others' inference tables and captured data. A
query takes a field out with its engine's JSON functions.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from arro3.core import Array, DataType, RecordBatch
from deltalake import (
    CommitProperties,
    DeltaTable,
    Field,
    Schema,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import PrimitiveType

from serving.agent.delivery.rows import texts
from serving.prediction_log.records import Label, Prediction

PREDICTIONS: Final = "predictions"
FEEDBACK: Final = "feedback"

STORE_ERRORS = (DeltaError, OSError)
"""What a store that is down or refuses raises."""

_STORAGE: Final = {
    "aws_conditional_put": "etag",
    "timeout": "10s",
    "connect_timeout": "2s",
    "max_retries": "1",
}
_CONFIGURATION: Final = {
    "delta.checkpointInterval": "100",
    "delta.logRetentionDuration": "interval 1 days",
    # Files that were joined are remembered for as long, and each costs every commit 10 us.
    "delta.deletedFileRetentionDuration": "interval 6 hours",
    # Each worker that ever lived leaves a transaction; none is read after so long.
    "delta.setTransactionRetentionDuration": "interval 30 days",
}
_WRITER = WriterProperties(compression="ZSTD")
_FILE_BYTES = 64 * 1024 * 1024
_KEPT_HOURS = 6
_DAY_NS = 86_400 * 10**9


def _columns(**types: str) -> Schema:
    required = {"id", "row", "time", "date"}
    return Schema(
        [
            Field(name, PrimitiveType(kind), nullable=name not in required)
            for name, kind in types.items()
        ]
    )


_PREDICTION_COLUMNS = _columns(
    id="string",
    row="integer",
    time="timestamp",
    date="date",
    model="string",
    version="string",
    digest="string",
    slot="string",
    seconds="double",
    key="string",
    trace="string",
    inputs="string",
    outputs="string",
)
_FEEDBACK_COLUMNS = _columns(
    id="string", row="integer", time="timestamp", value="string", number="double"
)


class Table:
    """One Delta table, made where it is missing.

    Every method raises one of `STORE_ERRORS` where the store is down or refuses. After that what
    is known of the table may be wrong: `forget` it.
    """

    def __init__(self, uri: str, columns: Schema, partition_by: list[str]) -> None:
        """Bind its address; nothing is requested yet."""
        self._uri = uri
        self._schema = columns
        self._partition_by = partition_by
        self._table: DeltaTable | None = None

    def position(self, writer: str) -> int:
        """How much of a writer's journal is in the table."""
        return self._opened().transaction_version(_application(writer)) or 0

    def forget(self) -> None:
        """Read the table anew, next time."""
        self._table = None

    def compact(self, filters: list[tuple[str, str, str]] | None = None) -> int:
        """Join small files and write a checkpoint; the number of files that were joined.

        A file that has reached its size is left alone, so each is rewritten a few times only.
        """
        table = self._newest()
        done = table.optimize.compact(
            partition_filters=filters, target_size=_FILE_BYTES, writer_properties=_WRITER
        )
        table.create_checkpoint()
        table.cleanup_metadata()
        return int(done["numFilesRemoved"])

    def vacuum(self, hours: int = _KEPT_HOURS) -> int:
        """Delete files that no version of these hours needs, those of failed writes too."""
        table = self._newest()
        return len(table.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=True))

    def _newest(self) -> DeltaTable:
        """The table with all commits of other servers, which rewriting files needs."""
        table = self._opened()
        table.update_incremental()
        return table

    def _opened(self) -> DeltaTable:
        if self._table is None:
            try:
                self._table = DeltaTable(self._uri, storage_options=dict(_STORAGE))
            except TableNotFoundError:
                self._table = DeltaTable.create(
                    self._uri,
                    self._schema,
                    mode="ignore",
                    partition_by=self._partition_by,
                    configuration=dict(_CONFIGURATION),
                    storage_options=dict(_STORAGE),
                )
        return self._table


class Predictions(Table):
    """One row a scored row; appended."""

    def __init__(self, url: str) -> None:
        """Lie under the folder `url`."""
        super().__init__(f"{url.rstrip('/')}/{PREDICTIONS}", _PREDICTION_COLUMNS, ["date"])

    def append(self, records: list[Prediction], positions: Mapping[str, int]) -> int:
        """Add all rows in one commit that says how far it read; the number of rows."""
        batch = predictions_batch(records)
        write_deltalake(
            self._opened(),
            [batch],
            mode="append",
            writer_properties=_WRITER,
            commit_properties=_commit(positions),
        )
        return batch.num_rows


class Feedback(Table):
    """One row a labelled row; the newest label wins."""

    def __init__(self, url: str) -> None:
        """Lie under the folder `url`."""
        super().__init__(f"{url.rstrip('/')}/{FEEDBACK}", _FEEDBACK_COLUMNS, [])

    def merge(self, labels: Iterable[Label], positions: Mapping[str, int]) -> None:
        """Add or replace labels, of which each row has one, in one commit."""
        merger = self._newest().merge(
            feedback_batch(list(labels)),
            predicate="t.id = s.id AND t.row = s.row",
            source_alias="s",
            target_alias="t",
            writer_properties=_WRITER,
            commit_properties=_commit(positions),
        )
        merger.when_matched_update_all("s.time >= t.time").when_not_matched_insert_all().execute()


def _application(writer: str) -> str:
    return f"slipway-journal/{writer}"


def _commit(positions: Mapping[str, int]) -> CommitProperties:
    now = time.time_ns() // 10**6
    return CommitProperties(
        app_transactions=[
            Transaction(_application(writer), position, now)
            for writer, position in positions.items()
        ]
    )


def predictions_batch(records: list[Prediction]) -> RecordBatch:
    """The rows of records, in their order, as the table's columns."""
    counts = np.array([record.rows for record in records])
    times = np.repeat(np.array([record.time for record in records], np.int64), counts)

    def repeated(take: Callable[[Prediction], str | None]) -> Array:
        return _texts([text for record in records for text in (take(record),) * record.rows])

    columns = {
        "id": repeated(lambda record: record.id),
        "row": Array.from_numpy(_ranges(counts)),
        "time": _timestamps(times),
        "date": Array.from_numpy((times // _DAY_NS).astype(np.int32)).cast(DataType.date32()),
        "model": repeated(lambda record: record.model),
        "version": repeated(lambda record: record.version),
        "digest": repeated(lambda record: record.digest),
        "slot": repeated(lambda record: record.slot),
        "seconds": Array.from_numpy(np.repeat([record.seconds for record in records], counts)),
        "key": repeated(lambda record: record.key),
        "trace": repeated(lambda record: record.trace),
        "inputs": _texts([t for record in records for t in texts(record.inputs, record.rows)]),
        "outputs": _texts([t for record in records for t in texts(record.outputs, record.rows)]),
    }
    return RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def feedback_batch(labels: list[Label]) -> RecordBatch:
    """Labels as the table's columns: a value as JSON text, and as a double where one holds it."""
    columns = {
        "id": _texts([label.id for label in labels]),
        "row": Array.from_numpy(np.array([label.row for label in labels], np.int32)),
        "time": _timestamps(np.array([label.time for label in labels], np.int64)),
        "value": _texts([msgspec.json.encode(label.value).decode() for label in labels]),
        "number": Array([_number(label.value) for label in labels], type=DataType.float64()),
    }
    return RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _number(value: float | str | bool) -> float | None:  # noqa: FBT001  # a label may be one
    """A value as a double; None for a text, and where it is an integer that none holds exactly."""
    if isinstance(value, str):
        return None
    number = float(value)
    return number if number == value else None


def _texts(values: list[str | None] | list[str]) -> Array:
    return Array(values, type=DataType.utf8())


def _timestamps(nanoseconds: np.ndarray[Any, Any]) -> Array:
    return Array.from_numpy(nanoseconds // 1000).cast(DataType.timestamp("us", tz="UTC"))


def _ranges(counts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """0, 1 ... for each count."""
    ends = np.cumsum(counts)
    within: np.ndarray[Any, Any] = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
    return within.astype(np.int32)
