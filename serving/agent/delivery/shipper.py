"""The journal's way into the Delta tables, as a thread of the agent.

Owns when: a batch is due, the store is left alone for a while, the end has come. What a batch
does is the business of `batch`. While the store is down everything waits in the journal, whose
capacity the writers hold.
"""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from serving import logs
from serving.agent.delivery.batch import BATCH_BYTES, Delivery, Scorer
from serving.agent.delivery.metrics import LogMetrics
from serving.agent.delivery.tables import STORE_ERRORS
from serving.config import PredictionLog
from serving.logs import TroubleLog
from serving.prediction_log import segments
from serving.prediction_log.records import Prediction
from serving.rollout.backoff import Pauses

_TICK = 1.0
_FIRST_PAUSE = 1.0


class Shipper:
    """Ships one server's journal."""

    def __init__(
        self,
        *,
        journal: Path,
        log: PredictionLog,
        metrics: LogMetrics,
        observe: Callable[[Sequence[Prediction]], None] | None = None,
        shadow: Scorer | None = None,
    ) -> None:
        """Bind the collaborators; nothing is touched yet.

        Args:
            journal: the writers' common folder.
            log: where to, and how often.
            metrics: where all of it is counted.
            observe: called with predictions that are in the table now, the shadow's too.
            shadow: scores them a second time, as long as less than a quarter of the journal's
                capacity waits.
        """
        self._folder = journal
        self._flush_seconds = log.flush_seconds
        self._metrics = metrics
        self._delivery = Delivery(
            journal=journal,
            url=log.url,
            metrics=metrics,
            backlog_bytes=log.journal_bytes // 4,
            observe=observe,
            shadow=shadow,
        )
        self._due = 0.0
        self._pauses = Pauses(_FIRST_PAUSE)
        self._troubles = TroubleLog({"log_store_refuses": "log_store_answers"})
        self._failing_since: int | None = None

    def flush(self, *, last: bool = False) -> bool:
        """Ship all that is there; whether the store took it. Raises nothing."""
        try:
            while self._delivery.step(last=last):
                pass
        except STORE_ERRORS as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001  # whatever it is, the thread goes on
            logs.failure("log_shipping_crashed", error)
            self._failed(error)
        else:
            self._succeeded()
        return not self._pauses.current

    def run(self, stopping: threading.Event) -> None:
        """Ship until the event is set, then what is there by then."""
        lock = self._acquire(stopping)
        if lock is None:
            return
        tick = min(_TICK, self._flush_seconds)
        while not stopping.wait(tick):
            waiting = self._measure()
            now = time.monotonic()
            if now >= self._due or (waiting >= BATCH_BYTES and not self._pauses.current):
                self.flush()
                self._due = time.monotonic() + max(self._pauses.current, self._flush_seconds)
        self.flush(last=True)
        self._measure()
        os.close(lock)

    def _acquire(self, stopping: threading.Event) -> int | None:
        """Wait until no other agent ships this journal; the open file that holds it."""
        while True:
            lock = _lock(self._folder)
            if lock is not None or stopping.wait(0.1):
                return lock

    def _measure(self) -> int:
        waiting = segments.waiting(self._folder)
        oldest = self._delivery.oldest or self._failing_since
        self._metrics.pending.set(waiting)
        self._metrics.delay.set(0 if oldest is None else (time.time_ns() - oldest) / 1e9)
        return waiting

    def _failed(self, error: Exception) -> None:
        table = self._delivery.at_work
        self._delivery.forget()
        self._metrics.failures.labels(table).inc()
        self._failing_since = self._failing_since or time.time_ns()
        self._troubles.begin("log_store_refuses", table=table, error=str(error))
        self._pauses.failed()

    def _succeeded(self) -> None:
        self._troubles.end("log_store_refuses")
        self._failing_since = None
        self._pauses.reset()


def _lock(folder: Path) -> int | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / "agent.lock", os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
