"""The HTTP side: an RSGI application that answers the Open Inference Protocol v2.

Owns dispatch, statuses and headers. Every answer that is not a success carries the protocol's
error object. Source of RSGI: https://github.com/emmett-framework/granian (docs/spec/RSGI.md).
"""

import asyncio
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from serving import bodies, logs, protocol, routes
from serving.admission import Admission
from serving.callers import Caller, Pairs, caller_of
from serving.config import Config
from serving.draining import Draining
from serving.errors import RequestError
from serving.follower import Follower
from serving.inference import infer
from serving.keys import Keys
from serving.metrics import Metrics
from serving.model import Model, Slot
from serving.request_log import RequestLog
from serving.routes import Kind, Route

_PLATFORM = "onnx_onnxruntime"
_JSON = [("content-type", "application/json")]
_TEXT = [("content-type", "text/plain; version=0.0.4; charset=utf-8")]
_CLOSE = ("connection", "close")
_LONG_BODY = 32 * 1024
"""Bytes from which on a request is scored beside the event loop, so that others do not wait."""


class Reply(NamedTuple):
    """One answer, as RSGI takes it."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = _JSON


def _server_version() -> str:
    try:
        return version("slipway")
    except PackageNotFoundError:
        return "0"


class App:
    """One worker's application; Granian calls the `__rsgi*__` methods."""

    def __init__(
        self,
        config: Config,
        slot: Slot,
        metrics: Metrics,
        follower: Follower,
        draining: Draining,
    ) -> None:
        """Answer for `slot`, which `follower` fills once the worker's loop runs."""
        self._config = config
        self._draining = draining
        self._keys = Keys(config.api_keys)
        self._admission = Admission(config.limits.max_concurrency, config.limits.max_seconds)
        self._requests = RequestLog()
        self._slot = slot
        self._metrics = metrics
        self._follower = follower
        self._server = protocol.encode(
            {"name": "slipway", "version": _server_version(), "extensions": []}
        )

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        logs.info("worker_started", host=self._config.host, port=self._config.port)
        self._admission.start(loop)
        self._follower.start()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._admission.stop()
        self._follower.stop()
        self._requests.close()
        logs.info("worker_stopped")

    async def __rsgi__(self, scope: Any, rsgi: Any) -> None:
        route = routes.parse(scope.path)
        # Each look at `scope.headers` copies them all.
        headers = scope.headers
        caller = caller_of(headers)
        try:
            reply = await self._answer(route, scope, headers, rsgi)
            more = caller.answer()
            if self._config.log_requests and route.kind is Kind.INFER:
                asked, _ = caller.refusal(route.kind, self._key(headers))
                self._requests.answered(asked, reply.status)
        except Exception as error:  # noqa: BLE001  # the last resort: a fault of ours, logged and answered
            reply, more = self._refuse(route, caller, headers, error)
        if self._draining:
            more = [*more, _CLOSE]
        self._metrics.answered(route.kind, reply.status)
        sent = [*reply.headers, *more] if more else reply.headers
        rsgi.response_bytes(reply.status, sent, reply.body)

    def _refuse(
        self, route: Route, caller: Caller, headers: Any, error: Exception
    ) -> tuple[Reply, Pairs]:
        asked, more = caller.refusal(route.kind, self._key(headers))
        if isinstance(error, RequestError):
            self._requests.refused(asked, error.status, str(error))
            body = protocol.error_body(str(error))
            return Reply(error.status, body, [*_JSON, *error.headers]), more
        self._requests.crashed(asked, error)
        body = protocol.error_body("internal error; the server's log has it")
        return Reply(500, body), more

    def _key(self, headers: Any) -> str:
        return self._keys.name(headers.get("authorization"), headers.get("x-api-key"))

    async def _answer(self, route: Route, scope: Any, headers: Any, rsgi: Any) -> Reply:
        if route.kind is Kind.UNKNOWN:
            raise RequestError(404, "no such path")
        if scope.method != route.method:
            raise RequestError(
                405, f"this path takes {route.method} only", (("allow", route.method),)
            )
        if route.kind is Kind.INFER:
            if self._keys:
                self._keys.caller(headers.get("authorization"), headers.get("x-api-key"))
            return await self._admitted(route, headers, rsgi)
        return self._look(route)

    def _look(self, route: Route) -> Reply:
        match route.kind:
            case Kind.SERVER:
                return Reply(200, self._server)
            case Kind.LIVE:
                return Reply(200, protocol.encode({"live": True}))
            case Kind.METRICS:
                return Reply(200, self._metrics.exposition(), _TEXT)
            case Kind.READY:
                return self._readiness({})
            case Kind.MODEL_READY:
                self._check_model(route)
                return self._readiness({"name": self._config.model})
            case _:
                return Reply(200, protocol.encode(_metadata(self._model(route))))

    def _readiness(self, answer: dict[str, Any]) -> Reply:
        if self._draining:
            reason = {"error": "the server is about to end"}
        else:
            reason = {} if self._slot.model is not None else {"error": self._slot.reason}
        ready = not reason
        body = protocol.encode(answer | {"ready": ready} | reason)
        return Reply(200 if ready else 503, body)

    async def _admitted(self, route: Route, headers: Any, rsgi: Any) -> Reply:
        if route.model != self._config.model:
            self._check_model(route)
        try:
            ticket = self._admission.enter()
            try:
                reply = await self._infer(route, headers, rsgi)
            except asyncio.CancelledError:
                overdue = self._admission.overdue(ticket)
                if overdue is None:
                    raise
                raise overdue from None
            finally:
                self._admission.leave(ticket)
        except RequestError as error:
            self._metrics.inferred(error.status)
            raise
        self._metrics.inferred(reply.status)
        return reply

    async def _infer(self, route: Route, headers: Any, rsgi: Any) -> Reply:
        bodies.check_headers(headers)
        body = await bodies.read(headers, rsgi, self._config.limits.max_body_bytes)
        begin = time.perf_counter()
        reply = await self._score(self._model(route), body)
        self._metrics.seconds.observe(time.perf_counter() - begin)
        return reply

    async def _score(self, model: Model, body: bytes) -> Reply:
        if len(body) < _LONG_BODY:
            return self._score_now(model, body)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, self._score_now, model, body)

    def _score_now(self, model: Model, body: bytes) -> Reply:
        request = protocol.decode_request(body)
        response, rows = infer(model, request, self._config.limits)
        self._metrics.rows.inc(rows)
        return Reply(200, protocol.encode(response))

    def _check_model(self, route: Route) -> None:
        if route.model != self._config.model:
            raise RequestError(404, f"unknown model; this server has {self._config.model!r}")
        model = self._slot.model
        if model is not None and route.version not in ("", model.version):
            raise RequestError(404, f"the version in service is {model.version!r}")

    def _model(self, route: Route) -> Model:
        self._check_model(route)
        model = self._slot.model
        if model is None:
            raise RequestError(503, self._slot.reason)
        return model


def _metadata(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "versions": [model.version],
        "platform": _PLATFORM,
        "inputs": model.signature.inputs,
        "outputs": model.signature.outputs,
        "parameters": {"digest": model.digest},
    }
