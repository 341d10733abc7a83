"""The HTTP side: an RSGI application that answers the Open Inference Protocol v2.

Owns dispatch, statuses and headers. Every answer that is not a success carries the protocol's
error object. Source of RSGI: https://github.com/emmett-framework/granian (docs/spec/RSGI.md).
"""

import asyncio
from typing import Any, NamedTuple

from serving import binary, bodies, description, exchange, logs, openapi, protocol, routes
from serving.config import Config
from serving.engine import Call, Engine
from serving.errors import RequestError
from serving.journal import Journal
from serving.loader import Loader
from serving.metrics import Metrics
from serving.protocol import InferRequest
from serving.routes import Kind, Route

_UNAVAILABLE = 503
_ROUTING_KEY = "x-routing-key"
_ENCODING, _ACCEPT = "content-encoding", "accept-encoding"
_JSON = [("content-type", "application/json")]
_TEXT = [("content-type", "text/plain; version=0.0.4; charset=utf-8")]
_LONG_BODY = 32 * 1024
"""Bytes from which on a request is worked on beside the event loop, so that others do not wait."""


class Reply(NamedTuple):
    """One answer, as RSGI takes it."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = _JSON


class App:
    """One worker's application; Granian calls the `__rsgi*__` methods."""

    def __init__(
        self,
        config: Config,
        engine: Engine,
        metrics: Metrics,
        loader: Loader,
        journal: Journal | None,
    ) -> None:
        """Answer by `engine`, whose placement `loader` fills once the worker's loop runs."""
        self._journal = journal
        self._config = config
        self._engine = engine
        self._metrics = metrics
        self._loader = loader
        self._server = protocol.encode(description.server())

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        logs.info("worker_started", host=self._config.host, port=self._config.port)
        self._metrics.start(loop)
        self._engine.start(loop)
        self._loader.start()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loader.stop()
        self._metrics.share()
        if self._journal is not None:
            self._journal.close()
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
            case Kind.SERVER | Kind.OPENAPI | Kind.DOCS:
                return self._describe(route.kind)
            case Kind.LIVE:
                return Reply(200, protocol.encode({"live": True}))
            case Kind.METRICS:
                return Reply(200, self._metrics.exposition(), _TEXT)
            case Kind.READY:
                return self._readiness({})
            case Kind.MODEL_READY:
                self._check(route)
                return self._readiness({"name": self._config.model})
            case _:
                model = self._engine.model(route.model, route.version)
                return Reply(200, protocol.encode(description.model(model)))

    def _describe(self, kind: Kind) -> Reply:
        if kind is Kind.DOCS:
            return Reply(200, *openapi.page())
        if kind is Kind.OPENAPI:
            model = self._engine.placement.champion
            return Reply(200, protocol.encode(openapi.document(self._config, model)))
        return Reply(200, self._server)

    def _check(self, route: Route) -> None:
        """Refuse an unknown model or version; no model at all is an answer of its own."""
        try:
            self._engine.model(route.model, route.version)
        except RequestError as error:
            if error.status != _UNAVAILABLE:
                raise

    def _readiness(self, answer: dict[str, Any]) -> Reply:
        placement = self._engine.placement
        ready = placement.champion is not None
        reason = {} if ready else {"error": placement.reason}
        body = protocol.encode(answer | {"ready": ready} | reason)
        return Reply(200 if ready else 503, body)

    async def _infer(self, route: Route, scope: Any, rsgi: Any) -> Reply:
        self._engine.in_hand += 1
        try:
            return await self._inferred(route, scope.headers, rsgi)
        finally:
            self._engine.in_hand -= 1

    async def _inferred(self, route: Route, headers: Any, rsgi: Any) -> Reply:
        limit = self._config.limits.max_body_bytes
        body = await bodies.read(headers, rsgi, limit)
        body = exchange.plain(body, headers.get(_ENCODING), limit)
        call = Call(
            route.model,
            route.version,
            headers.get(_ROUTING_KEY) or "",
            long=len(body) >= _LONG_BODY,
        )
        request = await self._decode(call, body, headers.get(binary.HEADER))
        answer = await self._engine.infer(call, request)
        return Reply(200, *exchange.encode(request, answer, headers.get(_ACCEPT)))

    async def _decode(self, call: Call, body: bytes, length: str | None) -> InferRequest:
        if call.long:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, exchange.decode, body, length)
        return exchange.decode(body, length)
