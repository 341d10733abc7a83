"""One batch's way from the journal into the tables.

Owns the order that makes it exactly once: what was read is committed together with how far it was
read, and only then may it be deleted. After a failure all positions are forgotten and read from the
tables themselves; so a commit that was made unnoticed is not repeated.
"""

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from serving import logs
from serving.agent.delivery.journals import Journals, Part, Record
from serving.agent.delivery.maintenance import TableMaintenance
from serving.agent.delivery.metrics import LogMetrics
from serving.agent.delivery.tables import (
    FEEDBACK,
    PREDICTIONS,
    STORE_ERRORS,
    Feedback,
    Predictions,
    predictions_batch,
)
from serving.prediction_log import segments
from serving.prediction_log.records import Label, Prediction

BATCH_BYTES = 8 * 1024 * 1024
"""Journal bytes of one commit: about 12,000 requests of one row with twenty inputs."""
_MERGE_SHARE = 20
"""A merge reads the whole table of labels, so they wait this many times as long as one took."""


class Scorer(Protocol):
    """Scores predictions a second time; see `serving.agent.shadow.scorer`."""

    def score(self, records: list[Prediction]) -> list[Prediction]:
        """The shadow's records of those that it could score, under their ids. Raises nothing."""

    def skip(self, count: int) -> None:
        """Count records that it does not get to score."""


@dataclass(slots=True)
class _Positions:
    """How far each writer's journal is in a table, or counts as being."""

    done: dict[str, int] = field(default_factory=dict)

    def new(self, parts: list[Part]) -> list[Record]:
        """What the table does not have yet."""
        return [
            record
            for part in parts
            for frame in part.frames
            if frame.end > self.done.get(part.writer, 0)
            for record in frame.records
        ]

    def ahead(self, ends: dict[str, int]) -> dict[str, int]:
        """Those positions that are further than the table's."""
        return {writer: end for writer, end in ends.items() if end > self.done.get(writer, 0)}


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave the garbage collector off: it would walk a batch's million small lists in vain."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Delivery:
    """Brings a journal's records into the tables, batch by batch."""

    def __init__(  # noqa: PLR0913  # the collaborators, each given by name
        self,
        *,
        journal: Path,
        url: str,
        metrics: LogMetrics,
        backlog_bytes: int,
        observe: Callable[[Sequence[Prediction]], None] | None = None,
        shadow: Scorer | None = None,
    ) -> None:
        """Bind the collaborators; nothing is touched yet. See `Shipper`."""
        self._folder = journal
        self._metrics = metrics
        self._backlog_bytes = backlog_bytes
        self._observe = observe
        self._shadow = shadow
        self._predictions = Predictions(url)
        self._feedback = Feedback(url)
        self._predictions_maintenance = TableMaintenance(self._predictions, PREDICTIONS)
        self._feedback_maintenance = TableMaintenance(self._feedback, FEEDBACK)
        self._journals = Journals(journal, self._begin, metrics.torn.inc)
        self._logged, self._labelled = _Positions(), _Positions()
        self._read: dict[str, int] = {}
        self._labels: dict[tuple[str, int], Label] = {}
        self._merge_at = 0.0
        self.at_work = PREDICTIONS
        self.oldest: int | None = None

    def step(self, *, last: bool = False) -> bool:
        """Deliver one batch; whether more is there already.

        Args:
            last: skip what can be done without, such as the shadow.

        Raises:
            DeltaError: or OSError: a store or the disk refuses. Then `forget`; nothing is lost.
        """
        with _uncollected():
            return self._step(last=last)

    def _step(self, *, last: bool) -> bool:
        parts, full = self._journals.read(BATCH_BYTES)
        self._read |= {part.writer: part.end for part in parts}
        self._note_oldest(parts)
        self._deliver_predictions(parts, last=last)
        self._take_labels(parts)
        if last or time.monotonic() >= self._merge_at:
            self._deliver_labels()
        self._release()
        self.oldest = min((label.time for label in self._labels.values()), default=None)
        return full

    def forget(self) -> None:
        """Forget all positions, so that they are read from the tables again."""
        self._predictions.forget()
        self._feedback.forget()
        self._journals.rewind()
        self._logged.done.clear()
        self._labelled.done.clear()
        self._read.clear()
        self._labels.clear()

    def _begin(self, writer: str) -> int:
        """Where reading a writer begins: what both tables have.

        The disk's own note counts too, as tables forget writers that were silent for a month.
        """
        noted = segments.shipped(self._folder / writer)
        self.at_work = PREDICTIONS
        self._logged.done[writer] = max(noted, self._predictions.position(writer))
        self.at_work = FEEDBACK
        self._labelled.done[writer] = max(noted, self._feedback.position(writer))
        return min(self._logged.done[writer], self._labelled.done[writer])

    def _note_oldest(self, parts: list[Part]) -> None:
        times = [
            record.time for part in parts for frame in part.frames[:1] for record in frame.records
        ]
        self.oldest = min([*times, *filter(None, [self.oldest])], default=None)

    def _deliver_predictions(self, parts: list[Part], *, last: bool) -> None:
        records = [r for r in self._logged.new(parts) if isinstance(r, Prediction)]
        ends = self._logged.ahead({part.writer: part.end for part in parts})
        if records:
            self.at_work = PREDICTIONS
            records += self._shadowed(records, last=last)
            rows = self._append(records, ends)
            self._metrics.shipped.labels(PREDICTIONS).inc(rows)
            if self._observe is not None:
                self._observe(records)
            self._predictions_maintenance.committed()
        self._logged.done |= ends

    def _append(self, records: list[Prediction], ends: dict[str, int]) -> int:
        try:
            return self._predictions.append(records, ends)
        except STORE_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  # one strange record must not hold up the rest
            logs.failure("log_batch_refused", error)
            return self._predictions.append(list(self._writable(records)), ends)

    def _writable(self, records: Iterable[Prediction]) -> Iterable[Prediction]:
        for record in records:
            try:
                predictions_batch([record])
            except Exception as error:  # noqa: BLE001  # whatever it is, it is logged and counted
                self._metrics.torn.inc()
                logs.failure("log_record_unwritable", error, id=record.id)
            else:
                yield record

    def _shadowed(self, records: list[Prediction], *, last: bool) -> list[Prediction]:
        if self._shadow is None:
            return []
        if last or segments.waiting(self._folder) > self._backlog_bytes:
            self._shadow.skip(len(records))
            return []
        return self._shadow.score(records)

    def _take_labels(self, parts: list[Part]) -> None:
        for record in self._labelled.new(parts):
            if isinstance(record, Label):
                earlier = self._labels.get((record.id, record.row))
                if earlier is None or record.time >= earlier.time:
                    self._labels[record.id, record.row] = record
        if not self._labels:
            self._labelled.done |= self._labelled.ahead(self._read)

    def _deliver_labels(self) -> None:
        if not self._labels:
            return
        self.at_work = FEEDBACK
        begin = time.monotonic()
        ends = self._labelled.ahead(self._read)
        self._feedback.merge(self._labels.values(), ends)
        self._metrics.shipped.labels(FEEDBACK).inc(len(self._labels))
        self._labels.clear()
        self._labelled.done |= ends
        self._merge_at = time.monotonic() + _MERGE_SHARE * (time.monotonic() - begin)
        self._feedback_maintenance.committed()

    def _release(self) -> None:
        """Delete what both tables have, of dead writers everything."""
        for writer in self._journals.writers():
            if writer in self._logged.done:
                position = min(self._logged.done[writer], self._labelled.done.get(writer, 0))
                self._journals.release(writer, position)
