"""Answers infer requests of all transports.

Owns the order of one request: which slot's model answers, reading, scoring (singly, in a batch or
beside the loop), the record in the prediction log, and what is counted. Bytes on the wire are the
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

from serving.config import Config
from serving.errors import RequestError
from serving.explanation.explain import wants_explanation
from serving.explanation.explainer import Explainer
from serving.inference.batching import Batcher
from serving.inference.response import InferResponse, Output
from serving.metrics.server import PREDICTION, Metrics
from serving.middleware.admission import Admission
from serving.models.model import Model
from serving.models.scoring import Job, Results, read, score
from serving.models.slots import Placement, Slot
from serving.prediction_log import records
from serving.prediction_log.records import Prediction
from serving.protocol.messages import InferRequest

LONG_BYTES = 32 * 1024
"""Bytes from which on a request is worked on beside the event loop, so that others do not wait."""
_ROUTING_KEY = "routing_key"
_BESIDE = 2
"""Threads for long requests, which would keep all others waiting on the loop."""


class Log(Protocol):
    """The prediction log, as the engine uses it."""

    def append(self, records: Sequence[bytes]) -> bool:
        """Whether the records will reach their table whatever happens to this process."""

    def close(self) -> None:
        """Take no more records."""


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
class PendingRequest:
    """A request that was read and waits for its response.

    Attributes:
        call: what came beside its body.
        request: its body.
        slot: the slot that answers.
        id: the request's, or a generated one.
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

    def __init__(  # noqa: PLR0913  # the collaborators, each given by name
        self,
        config: Config,
        *,
        placement: Placement,
        metrics: Metrics,
        explainer: Explainer,
        log: Log | None,
        admission: Admission,
    ) -> None:
        """Answer with the models of `placement`; `log` takes the predictions.

        While `admission` has another request in hand, requests are batched.
        """
        self._config = config
        self._admission = admission
        self._explainer = explainer
        self.placement = placement
        self._metrics = metrics
        self._log = log
        self._prefix = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._threads = ThreadPoolExecutor(_BESIDE, "long-request")
        self._batcher: Batcher[PendingRequest, InferResponse]

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Work on this loop from now on."""
        self._batcher = Batcher(loop, self._metrics.batch_rows, self._respond)
        self._metrics.watch(lambda: self._batcher.depth, lambda: self._admission.in_hand)

    def stop(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Close the prediction log; no request comes any more."""
        if self._log is not None:
            self._log.close()

    def model(self, name: str, version: str = "") -> Model:
        """The model of that name, in whichever slot the version is; the champion without one.

        Raises:
            RequestError: 404, for a name or version that is not here; 503, for no model at all.
        """
        return self._select(name, version, None)[1]

    def check(self, name: str, version: str = "") -> None:
        """Refuse an unknown model or version; that there is no model at all is no refusal here.

        Raises:
            RequestError: 404.
        """
        if self.placement.champion is not None or name != self._config.model:
            self._select(name, version, None)

    async def infer(self, call: Call, request: InferRequest) -> InferResponse:
        """Answer a request.

        Raises:
            RequestError: with its slot, once that is selected. 404 and 503 as `model`; 400 and 422
                as `scoring.read` and `score`; 422 and 429 as `Explainer.explain`; 422 for a routing
                key of another type.
        """
        slot = None
        try:
            request_id = request.id or f"{self._prefix}{next(self._numbers):x}"
            key = _key(call, request)
            slot, model = self._select(call.model, call.version, key or request_id)
            explained = request.parameters is not None and wants_explanation(request.parameters)
            if call.long:
                loop = asyncio.get_running_loop()
                job, results = await loop.run_in_executor(
                    self._threads, self._score, model, request
                )
            else:
                job = read(model, request, self._config.limits)
                if self._admission.in_hand > 1 and job.batchable and not explained:
                    return await self._batcher.submit(
                        PendingRequest(call, request, slot, request_id, key, job)
                    )
                results = score(job)
            self._metrics.batch_rows(job.rows)
            explanations = await self._explainer.explain(job) if explained else []
            pending = PendingRequest(call, request, slot, request_id, key, job)
            [response] = self._respond([pending], [results])
            return response.with_explanations(explanations)
        except RequestError as error:
            error.slot = slot
            raise

    def _select(self, name: str, version: str, key: str | None) -> tuple[Slot, Model]:
        if name != self._config.model:
            raise RequestError(404, f"unknown model; this server has {self._config.model!r}")
        placement = self.placement
        if version:
            selected = placement.of_version(version)
        elif key is not None and placement.challenger is not None:
            selected = placement.pick(key)
        else:
            champion = placement.champion
            selected = None if champion is None else (Slot.CHAMPION, champion)
        if selected is not None:
            return selected
        if version and placement.champion is not None:
            versions = placement.versions()
            raise RequestError(404, f"no version {version!r} here; in service: {versions}")
        raise RequestError(503, placement.reason)

    def _score(self, model: Model, request: InferRequest) -> tuple[Job, Results]:
        job = read(model, request, self._config.limits)
        return job, score(job)

    def _respond(
        self, pending: Sequence[PendingRequest], results: Sequence[Results]
    ) -> list[InferResponse]:
        """The responses to requests that were scored in one run; they are logged by one write."""
        responses = list(map(_response, pending, results))
        now = time.perf_counter()
        seconds = [now - request.call.begin for request in pending]
        if self._log is not None:
            if self._log.append(list(map(_record, pending, responses, seconds))):
                self._metrics.log_kept(PREDICTION, len(responses))
            else:
                self._metrics.log_dropped(len(responses))
                for response in responses:
                    response.parameters["logged"] = False
        for request, response, duration in zip(pending, responses, seconds, strict=True):
            self._metrics.answered_request(request.slot, duration, response.rows)
        return responses


def _response(pending: PendingRequest, results: Results) -> InferResponse:
    model = pending.job.model
    outputs = [Output(name, model.outputs[name], array) for name, array in results.items()]
    for output, requested in zip(outputs, pending.request.outputs or (), strict=False):
        output.parameters = requested.parameters or {}
    return InferResponse(model, pending.slot, pending.id, pending.job.rows, outputs)


def _key(call: Call, request: InferRequest) -> str:
    """The caller's routing key, empty without one: requests of one key meet one slot.

    Raises:
        RequestError: 422, for a key that is neither a text nor a single value: without a key, the
            caller's requests would meet both models.
    """
    if request.parameters:
        key = request.parameters.get(_ROUTING_KEY)
        if isinstance(key, str):
            return key
        if key is not None:
            return _written(key)
    return call.key


def _written(key: object) -> str:
    """A routing key as text, whichever of a number's spellings came: 5.0 is 5 is "5"."""
    match key:
        case bool():
            return "true" if key else "false"
        case float() if key.is_integer():
            return str(int(key))
        case int() | float():
            return str(key)
    raise RequestError(422, f"the parameter {_ROUTING_KEY!r} is a text or a number")


def _record(pending: PendingRequest, response: InferResponse, seconds: float) -> bytes:
    model, rows = response.model, response.rows
    return records.encode(
        Prediction(
            response.id,
            time.time_ns(),
            model.name,
            model.version,
            model.digest,
            response.slot,
            seconds,
            rows,
            _inputs(pending.job),
            {output.name: _by_row(output, rows) for output in response.outputs},
            pending.key or None,
            pending.call.trace or None,
        )
    )


def _inputs(job: Job) -> dict[str, list[Any]]:
    """The inputs' values, as many for each row: what belongs to all rows is repeated."""
    if job.rows == 1 and job.plain:
        plain: dict[str, Any] = job.values
        return plain
    readers, inputs = job.model.readers, {}
    for name, values in job.values.items():
        flat = values if isinstance(values, list) else values.ravel().tolist()
        inputs[name] = flat if readers[name].counts else flat * job.rows
    return inputs


def _by_row(output: Output, rows: int) -> list[Any]:
    shape = output.array.shape
    return output.values if shape[:1] == (rows,) else output.values * rows
