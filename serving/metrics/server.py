"""The server's metrics, by Prometheus conventions, right over any number of workers.

Owns names, labels and the exposition. Label values come from closed sets (routes, statuses,
reasons) and from the configured model, never from a client. With several workers each writes to
files of its own in a shared folder, and whichever exposes them adds them up.
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Metric,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from contracts.metrics import (
    BATCH_ROWS,
    HTTP_REQUESTS,
    INFERENCE_IN_FLIGHT,
    INFERENCE_QUEUE_DEPTH,
    INFERENCE_REFUSALS,
    INFERENCE_REQUESTS,
    INFERENCE_ROWS,
    INFERENCE_SECONDS,
    LOG_DROPPED,
    LOG_RECORDS,
    MODEL_INFO,
    ROWS_BOUNDS,
    SECONDS_BOUNDS,
)
from serving.errors import Refusal, RequestError
from serving.metrics.buffered import BufferedCounter, BufferedHistogram, SharedHistogram
from serving.metrics.models import FOLDER_VARIABLE, ModelMetrics

_FLUSH_SECONDS = 0.2
NO_SLOT = "none"
"""The slot of a request that was refused before its model was selected."""
PREDICTION, LABEL = "prediction", "label"
"""Kinds of records in the prediction log."""


class Metrics:
    """The server's metrics; what every request touches is buffered, and shared soon after."""

    def __init__(self, model: str, registry: CollectorRegistry) -> None:
        """Register the metrics of one worker that serves `model`, and expose `registry`."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # left untyped there
        folder = os.environ.get(FOLDER_VARIABLE)
        # With several processes the files that all of them share are exposed, not one's registry.
        self._exposed = CollectorRegistry() if folder else registry
        if folder:
            self._exposed.register(_Workers(Path(folder)))
        self._exposed.register(_Processes())
        self._model = model
        self._requests(registry)
        self._load(registry)
        self.models = ModelMetrics(model, registry)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flushing = False

    def _requests(self, registry: CollectorRegistry) -> None:
        self._http: BufferedCounter[tuple[str, int]] = BufferedCounter(
            Counter(
                HTTP_REQUESTS,
                "HTTP requests answered.",
                ["route", "code"],
                registry=registry,
            )
        )
        labels = ["model", "slot", "code"]
        requests = Counter(
            INFERENCE_REQUESTS, "Infer requests to the model.", labels, registry=registry
        )
        self._inferences: BufferedCounter[tuple[str, int]] = BufferedCounter(requests, self._model)
        refusals = Counter(
            INFERENCE_REFUSALS,
            "Infer requests refused as the caller's fault (4xx), by what was wrong.",
            ["model", "reason"],
            registry=registry,
        )
        for refusal in Refusal:
            refusals.labels(self._model, refusal)
        self._refusals: BufferedCounter[tuple[str]] = BufferedCounter(refusals, self._model)
        seconds = SharedHistogram(
            INFERENCE_SECONDS,
            "From an infer request's whole body to its outputs.",
            labels,
            SECONDS_BOUNDS,
            registry,
        )
        self._seconds: BufferedHistogram[tuple[str, int]] = BufferedHistogram(seconds, self._model)
        rows = Counter(INFERENCE_ROWS, "Rows scored.", ["model", "slot"], registry=registry)
        self._rows: BufferedCounter[tuple[str]] = BufferedCounter(rows, self._model)
        records = Counter(
            LOG_RECORDS,
            "Records kept in the journal, on their way to the log's tables.",
            ["kind"],
            registry=registry,
        )
        for kind in (PREDICTION, LABEL):
            records.labels(kind)
        self._records: BufferedCounter[tuple[str]] = BufferedCounter(records)
        self._dropped = Counter(
            LOG_DROPPED,
            "Predictions that were answered and not logged.",
            ["model"],
            registry=registry,
        ).labels(self._model)

    def _load(self, registry: CollectorRegistry) -> None:
        batches = SharedHistogram(
            BATCH_ROWS,
            "Rows scored in one run of a model's graph.",
            (),
            ROWS_BOUNDS,
            registry,
        )
        self._batches: BufferedHistogram[tuple[()]] = BufferedHistogram(batches)
        self._depth = Gauge(
            INFERENCE_QUEUE_DEPTH,
            "Requests that wait to be scored.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._in_flight = Gauge(
            INFERENCE_IN_FLIGHT,
            "Infer requests that were read and are not answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._levels: tuple[Callable[[], int], Callable[[], int]] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Share what is counted a few times a second, by timers of `loop`."""
        self._loop = loop

    def stop(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Share what was counted last."""
        self.share()

    def watch(self, depth: Callable[[], int], in_flight: Callable[[], int]) -> None:
        """Read these for the requests that wait, and for those in hand, when metrics are shared."""
        self._levels = (depth, in_flight)

    def answered(self, route: str, code: int) -> None:
        """Count an answer. `route` must be one of a closed set."""
        self._http.add((route, code))
        self._share_later()

    def answered_request(self, slot: str, seconds: float, rows: int) -> None:
        """Count an infer request that a slot's model answered."""
        labels = (slot, 200)
        self._inferences.add(labels)
        self._seconds.observe(labels, seconds)
        self._rows.add((slot,), rows)
        self._share_later()

    def refused_request(self, slot: str | None, error: RequestError) -> None:
        """Count an infer request that was refused; None where no slot was selected."""
        self._inferences.add((slot or NO_SLOT, error.status))
        if error.status < 500:  # noqa: PLR2004  # HTTP's own bound
            self._refusals.add((error.refusal,))
        self._share_later()

    def batch_rows(self, rows: int) -> None:
        """Note the rows of one run of a graph."""
        self._batches.observe((), rows)

    def log_kept(self, kind: str, number: int = 1) -> None:
        """Count records that are in the journal: `PREDICTION` or `LABEL`."""
        self._records.add((kind,), number)
        self._share_later()

    def log_dropped(self, number: int = 1) -> None:
        """Count predictions that were not logged."""
        self._dropped.inc(number)

    def _share_later(self) -> None:
        if not self._flushing and self._loop is not None:
            self._flushing = True
            self._loop.call_later(_FLUSH_SECONDS, self._share_soon)

    def _share_soon(self) -> None:
        self._flushing = False
        self.share()

    def share(self) -> None:
        """Bring what this worker counted to where all workers' metrics are."""
        counts = (self._http, self._inferences, self._refusals, self._rows, self._records)
        for buffered in (*counts, self._seconds, self._batches):
            buffered.flush()
        if self._levels is not None:
            depth, in_flight = self._levels
            self._depth.set(depth())
            self._in_flight.set(in_flight())

    def exposition(self) -> bytes:
        """All metrics in Prometheus's text format, of all workers."""
        self.share()
        return generate_latest(self._exposed)


class _Workers(Collector):
    """Adds up the files of all workers and the agent, without the gauges of those that ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: Any = MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]  # left untyped there

    def collect(self) -> Iterable[Metric]:
        self._remove_dead()
        for metric in self._files.collect():
            if metric.name == MODEL_INFO:
                metric.samples = [sample for sample in metric.samples if sample.value]
            yield metric

    def _remove_dead(self) -> None:
        for pid in {path.stem.rsplit("_", 1)[1] for path in self._folder.glob("gauge_live*.db")}:
            if not _lives(int(pid)):
                mark_process_dead(int(pid), str(self._folder))  # type: ignore[no-untyped-call]  # left untyped there


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class _Processes(Collector):
    """The usual `process_*` metrics, summed over the main process, its workers and the agent.

    Start time and the limit of open files are the main process's. Resident memory that processes
    share is counted in each.
    """

    def collect(self) -> Iterable[Metric]:
        main = os.getppid()
        merged: dict[str, Metric] = {}
        for pid in (main, *_children(main)):
            for metric in ProcessCollector(pid=partial(str, pid), registry=None).collect():
                _merge(merged, metric)
        return merged.values()


_OF_MAIN = {"process_start_time_seconds", "process_max_fds"}


def _merge(merged: dict[str, Metric], metric: Metric) -> None:
    known = merged.setdefault(metric.name, metric)
    if known is metric or metric.name in _OF_MAIN:
        return
    total = known.samples[0].value + metric.samples[0].value
    known.samples = [known.samples[0]._replace(value=total)]


def _children(pid: int) -> list[int]:
    """What a process started, from whichever of its threads: the agent's is not the main one."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            found += map(int, path.read_text().split())
    return found or [os.getpid()]
