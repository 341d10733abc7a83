"""The HTTP side: an RSGI application that answers the Open Inference Protocol v2.

Owns dispatch, statuses and headers. Every answer that is not a success carries the protocol's
error object. Source of RSGI: https://github.com/emmett-framework/granian (docs/spec/RSGI.md).
"""

import asyncio
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from serving import bodies, logs, protocol, routes
from serving.config import Config
from serving.errors import RequestError
from serving.inference import infer
from serving.loader import Loader
from serving.metrics import Metrics
from serving.model import Model
from serving.routes import Kind, Route
from serving.slots import Placement

_PLATFORM = "onnx_onnxruntime"
_JSON = [("content-type", "application/json")]
_TEXT = [("content-type", "text/plain; version=0.0.4; charset=utf-8")]
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
        self, config: Config, placement: Placement, metrics: Metrics, loader: Loader
    ) -> None:
        """Answer for `placement`, which `loader` fills once the worker's loop runs."""
        self._config = config
        self._placement = placement
        self._metrics = metrics
        self._loader = loader
        self._server = protocol.encode(
            {"name": "slipway", "version": _server_version(), "extensions": []}
        )

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        logs.info("worker_started", host=self._config.host, port=self._config.port)
        self._loader.start()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loader.stop()
        logs.info("worker_stopped")

    async def __rsgi__(self, scope: Any, rsgi: Any) -> None:
        route = routes.parse(scope.path)
        try:
            reply = await self._answer(route, scope, rsgi)
        except RequestError as error:
            body = protocol.error_body(str(error))
            reply = Reply(error.status, body, [*_JSON, *error.headers])
        except Exception as error:  # noqa: BLE001  # the last resort: a fault of ours, logged and answered
            logs.failure("request_crashed", error, route=route.kind)
            reply = Reply(500, protocol.error_body("internal error; the server's log has it"))
        self._metrics.answered(route.kind, reply.status)
        rsgi.response_bytes(reply.status, reply.headers, reply.body)

    async def _answer(self, route: Route, scope: Any, rsgi: Any) -> Reply:
        if route.kind is Kind.UNKNOWN:
            raise RequestError(404, "no such path")
        if scope.method != route.method:
            raise RequestError(
                405, f"this path takes {route.method} only", (("allow", route.method),)
            )
        if route.kind is Kind.INFER:
            return await self._infer(route, scope, rsgi)
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
        ready = self._placement.champion is not None
        reason = {} if ready else {"error": self._placement.reason}
        body = protocol.encode(answer | {"ready": ready} | reason)
        return Reply(200 if ready else 503, body)

    async def _infer(self, route: Route, scope: Any, rsgi: Any) -> Reply:
        if route.model != self._config.model:
            self._check_model(route)
        begin = time.perf_counter()
        try:
            bodies.check_headers(scope.headers)
            body = await bodies.read(scope.headers, rsgi, self._config.limits.max_body_bytes)
            begin = time.perf_counter()
            reply = await self._score(self._model(route), body)
        except RequestError as error:
            self._metrics.inferred(error.status)
            raise
        self._metrics.seconds.observe(time.perf_counter() - begin)
        self._metrics.inferred(reply.status)
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
        model = self._placement.champion
        if model is not None and route.version not in ("", model.version):
            raise RequestError(404, f"the version in service is {model.version!r}")

    def _model(self, route: Route) -> Model:
        self._check_model(route)
        model = self._placement.champion
        if model is None:
            raise RequestError(503, self._placement.reason)
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
