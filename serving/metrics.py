"""What the server measures, by Prometheus conventions, right over any number of workers.

Owns names, labels and the exposition. Label values come from closed sets (routes, statuses,
reasons) and from the configured model, never from what a client sends. With several workers each
writes to files of its own in `folder`, and whichever is asked adds them up.
"""

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from serving.model_metrics import FOLDER_VARIABLE, ModelMetrics

_SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5),
)


class Metrics:
    """The server's metrics; what every request touches is resolved to its labels beforehand."""

    def __init__(self, model: str) -> None:
        """Make the metrics of one worker that serves `model`."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # left untyped there
        folder = os.environ.get(FOLDER_VARIABLE)
        own = CollectorRegistry()
        self._exposed = CollectorRegistry() if folder else own
        if folder:
            self._exposed.register(_Workers(Path(folder)))
        self._exposed.register(_Processes())
        self._model = model
        self._requests(own)
        self._models(own)

    def _requests(self, own: CollectorRegistry) -> None:
        self._http = Counter(
            "slipway_http_requests", "HTTP requests answered.", ["route", "code"], registry=own
        )
        self._http_children: dict[tuple[str, int], Counter] = {}
        self._inference = Counter(
            "slipway_inference_requests",
            "Infer requests to the served model, by status.",
            ["model", "code"],
            registry=own,
        )
        self._inference_children: dict[int, Counter] = {}
        self.seconds = Histogram(
            "slipway_inference_duration_seconds",
            "From an infer request's whole body to its answer.",
            ["model"],
            buckets=_SECONDS,
            registry=own,
        ).labels(self._model)
        self.rows = Counter(
            "slipway_inference_rows", "Rows scored.", ["model"], registry=own
        ).labels(self._model)

    def _models(self, own: CollectorRegistry) -> None:
        self.models = ModelMetrics(self._model, own)

    def answered(self, route: str, code: int) -> None:
        """Count an answer. `route` must be one of a closed set."""
        child = self._http_children.get((route, code))
        if child is None:
            child = self._http_children[route, code] = self._http.labels(route, code)
        child.inc()

    def inferred(self, code: int) -> None:
        """Count an answer to an infer request for the served model."""
        child = self._inference_children.get(code)
        if child is None:
            child = self._inference_children[code] = self._inference.labels(self._model, code)
        child.inc()

    def exposition(self) -> bytes:
        """All metrics in Prometheus's text format, of all workers."""
        return generate_latest(self._exposed)


class _Workers(Collector):
    """Adds up the files of all workers and the agent, without the gauges of those that ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: Any = MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]  # left untyped there

    def collect(self) -> Iterable[Metric]:
        self._bury()
        for metric in self._files.collect():
            if metric.name == "slipway_model_info":
                metric.samples = [sample for sample in metric.samples if sample.value]
            yield metric

    def _bury(self) -> None:
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
    """The usual `process_*` metrics, summed over the main process and its workers.

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
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return [os.getpid()]
    return [int(child) for child in text.split()]
