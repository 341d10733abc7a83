"""Answers infer requests, whatever transport they came by.

Owns the order of one request: which slot's model answers, reading, scoring (alone, joined or beside
the loop), the record in the prediction log, and what is counted. Bytes on the wire are the
business of the transports.
"""

import asyncio
import itertools
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from serving.config import Config
from serving.errors import RequestError
from serving.explanation.explain import is_asked
from serving.explanation.explainer import Explainer
from serving.inference.batching import Batcher
from serving.inference.response import Inference, Output
from serving.metrics.server import PREDICTION, Metrics
from serving.middleware.admission import Admission
from serving.models.model import Model
from serving.models.scoring import Job, Results, alone, read
from serving.models.slots import Placement, Slot
from serving.prediction_log import records
from serving.prediction_log.records import Prediction
from serving.protocol.messages import InferRequest

LONG_BYTES = 32 * 1024
"""Bytes from which on a request is worked on beside the event loop, so that others do not wait."""
_BESIDE = 2
"""Threads for long requests, which would keep all others waiting on the loop."""


class Log(Protocol):
    """Takes records, or says that it cannot."""

    def append(self, records: Sequence[bytes]) -> bool:
        """Whether the records will reach their table whatever happens to this process."""


@dataclass(slots=True, eq=False)
class Call:
    """What comes with an infer request beside its body.

    Attributes:
        model: the model's name, as the caller wrote it.
        version: its version; empty for whichever is in service.
        key: the routing key of a header, if there was one.
        trace: the trace id, if there was one.
        long: whether the request is long enough to be worked on beside the loop.
        begin: `time.perf_counter()` when the whole body was there.
    """

    model: str
    version: str = ""
    key: str = ""
    trace: str = ""
    long: bool = False
    begin: float = field(default_factory=time.perf_counter)


@dataclass(slots=True, eq=False)
class Asked:
    """A request that was read, and whom it was for.

    Attributes:
        call: what came beside its body.
        request: its body.
        slot: the slot that answers.
        id: the request's, or one made for it.
        key: the caller's routing key, if there was one.
        job: what is to be scored.
    """

    call: Call
    request: InferRequest
    slot: Slot
    id: str
    key: str
    job: Job


class Engine:
    """The inference of one worker.

    Attributes:
        placement: the models that answer.
    """

    def __init__(
        self,
        config: Config,
        placement: Placement,
        metrics: Metrics,
        log: Log | None,
        admission: Admission,
    ) -> None:
        """Answer with the models of `placement`; `log` takes the predictions.

        Where `admission` has another request in hand, one waits for it to be scored together.
        """
        self._config = config
        self._admission = admission
        self._explainer = Explainer(config.model, config.explanations, CollectorRegistry())
        self.placement = placement
        self._metrics = metrics
        self._log = log
        self._prefix = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._threads = ThreadPoolExecutor(_BESIDE, "long-request")
        self._batcher: Batcher[Asked, Inference]

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Work on this loop from now on."""
        self._batcher = Batcher(loop, self._metrics.batch_rows, self._settle)
        self._metrics.watch(lambda: self._batcher.depth, lambda: self._admission.in_hand)

    def model(self, name: str, version: str = "") -> Model:
        """The model of that name, in whichever slot the version is; the champion without one.

        Raises:
            RequestError: 404, for a name or version that is not here; 503, for no model at all.
        """
        return self._choose(name, version, None)[1]

    def check(self, name: str, version: str = "") -> None:
        """Refuse an unknown model or version; that there is no model at all is no refusal here.

        Raises:
            RequestError: 404.
        """
        if self.placement.champion is not None or name != self._config.model:
            self._choose(name, version, None)

    async def infer(self, call: Call, request: InferRequest) -> Inference:
        """Answer a request.

        Raises:
            RequestError: 404 and 503 as `model`; 400 and 422 as `inference.read` and `alone`; 422
                and 429 as `Explainer.explain`.
        """
        slot = None
        try:
            identity = request.id or f"{self._prefix}{next(self._numbers):x}"
            key = _key(call, request)
            slot, model = self._choose(call.model, call.version, key or identity)
            explain = request.parameters is not None and is_asked(request.parameters)
            if call.long:
                loop = asyncio.get_running_loop()
                job, results = await loop.run_in_executor(self._threads, self._work, model, request)
            else:
                job = read(model, request, self._config.limits)
                if self._admission.in_hand > 1 and job.joins and not explain:
                    return await self._batcher.soon(Asked(call, request, slot, identity, key, job))
                results = alone(job)
            self._metrics.batch_rows(job.rows)
            explained = await self._explainer.explain(job) if explain else []
            [answer] = self._settle([Asked(call, request, slot, identity, key, job)], [results])
            return answer.with_(explained)
        except RequestError as error:
            self._metrics.refused_request(slot, error.status)
            raise

    def _choose(self, name: str, version: str, key: str | None) -> tuple[Slot, Model]:
        if name != self._config.model:
            raise RequestError(404, f"unknown model; this server has {self._config.model!r}")
        placement = self.placement
        if version:
            found = placement.of_version(version)
        elif key is not None and placement.challenger is not None:
            found = placement.pick(key)
        else:
            champion = placement.champion
            found = None if champion is None else (Slot.CHAMPION, champion)
        if found is not None:
            return found
        if version and placement.champion is not None:
            found_here = placement.versions()
            raise RequestError(404, f"no version {version!r} here; in service: {found_here}")
        raise RequestError(503, placement.reason)

    def _work(self, model: Model, request: InferRequest) -> tuple[Job, Results]:
        job = read(model, request, self._config.limits)
        return job, alone(job)

    def _settle(self, several: Sequence[Asked], results: Sequence[Results]) -> list[Inference]:
        """The answers of requests that were scored in one run; they are logged by one write."""
        answers = [_answer(asked, each) for asked, each in zip(several, results, strict=True)]
        now = time.perf_counter()
        pairs = zip(several, answers, strict=True)
        timed = [(asked, answer, now - asked.call.begin) for asked, answer in pairs]
        if self._log is not None:
            if self._log.append([_record(*each) for each in timed]):
                self._metrics.log_kept(PREDICTION, len(timed))
            else:
                self._metrics.log_dropped(len(timed))
                for answer in answers:
                    answer.parameters["logged"] = False
        for asked, answer, seconds in timed:
            self._metrics.answered_request(asked.slot, seconds, answer.rows)
        return answers


def _answer(asked: Asked, results: Results) -> Inference:
    model = asked.job.model
    outputs = [Output(name, model.outputs[name], array) for name, array in results.items()]
    for output, wanted in zip(outputs, asked.request.outputs or (), strict=False):
        output.parameters = wanted.parameters or {}
    return Inference(model, asked.slot, asked.id, asked.job.rows, outputs)


def _key(call: Call, request: InferRequest) -> str:
    """The routing key that the caller gave, if any: whose keys are one person's meet one model."""
    if request.parameters:
        key = request.parameters.get("routing_key")
        if isinstance(key, str | int):
            return str(key)
    return call.key


def _record(asked: Asked, answer: Inference, seconds: float) -> bytes:
    model, rows = answer.model, answer.rows
    return records.encode(
        Prediction(
            answer.id,
            time.time_ns(),
            model.name,
            model.version,
            model.digest,
            answer.slot,
            seconds,
            rows,
            _inputs(asked.job),
            {output.name: _by_row(output, rows) for output in answer.outputs},
            asked.key or None,
            asked.call.trace or None,
        )
    )


def _inputs(job: Job) -> dict[str, list[Any]]:
    """The inputs' values, as many for each row: what belongs to all rows is each one's."""
    if job.rows == 1 and job.plain:
        plain: dict[str, Any] = job.values
        return plain
    readers, found = job.model.readers, {}
    for name, values in job.values.items():
        flat = values if isinstance(values, list) else values.ravel().tolist()
        found[name] = flat if readers[name].counts else flat * job.rows
    return found


def _by_row(output: Output, rows: int) -> list[Any]:
    shape = output.array.shape
    return output.values if shape[:1] == (rows,) else output.values * rows
