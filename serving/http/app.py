"""The HTTP side: an RSGI application that answers the Open Inference Protocol v2.

Owns dispatch, statuses and headers. Every answer that is not a success carries the protocol's
error object. Source of RSGI: https://github.com/emmett-framework/granian (docs/spec/RSGI.md).
"""

import asyncio
import gc
import sys
from functools import partial
from typing import Any, NamedTuple, Protocol

from serving import logs
from serving.config import Config
from serving.errors import RequestError
from serving.http import binary, codec, openapi, routes
from serving.http import body as bodies
from serving.http.routes import Kind, Route
from serving.inference.engine import LONG_BYTES, Call, Engine
from serving.metrics.server import LABEL, Metrics
from serving.middleware.admission import Ticket
from serving.middleware.guards import Guards
from serving.middleware.request_context import Caller, caller_of
from serving.models import metadata
from serving.prediction_log import feedback
from serving.prediction_log.counted import CountedJournal
from serving.prediction_log.journal import Journal
from serving.protocol import messages
from serving.protocol.messages import InferRequest
from serving.rollout.loader import Loader

_TURN_SECONDS = 0.001
_YOUNG = 10_000
"""New objects before the collector looks: a batch of requests has hundreds, and none stays."""
_ROUTING_KEY = "x-routing-key"
_ENCODING, _ACCEPT = "content-encoding", "accept-encoding"
_JSON = [("content-type", "application/json")]
_TEXT = [("content-type", "text/plain; version=0.0.4; charset=utf-8")]
_ENDING = "the server is about to end"
_CLOSE = ("connection", "close")


class Reply(NamedTuple):
    """One answer, as RSGI takes it."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = _JSON


class Transport(Protocol):
    """A way to the engine beside HTTP, begun and ended on the worker's loop while that rests."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take requests."""

    def stop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take no more, and answer those in hand."""


class App:
    """One worker's application; Granian calls the `__rsgi*__` methods."""

    def __init__(  # noqa: PLR0913, PLR0917  # the parts of a worker
        self,
        config: Config,
        engine: Engine,
        metrics: Metrics,
        loader: Loader,
        journal: Journal | None,
        guards: Guards,
        rpc: Transport | None = None,
    ) -> None:
        """Answer by `engine`, whose placement `loader` fills once the worker's loop runs."""
        self._journal = journal
        kept = partial(metrics.log_kept, LABEL)
        self._labels = None if journal is None else CountedJournal(journal, kept)
        self._config = config
        self._engine = engine
        self._metrics = metrics
        self._loader = loader
        self._guards = guards
        self._admission = guards.admission
        self._draining = guards.draining
        self._rpc = rpc
        self._server = messages.encode(metadata.server())

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        logs.info("worker_started", host=self._config.host, port=self._config.port)
        # What was imported stays: walking it again and again would hold requests up.
        gc.freeze()
        gc.set_threshold(_YOUNG)
        # Long requests and explanations are worked on beside the loop; it gets its turn back soon.
        sys.setswitchinterval(_TURN_SECONDS)
        self._metrics.start(loop)
        self._engine.start(loop)
        self._guards.start(loop)
        if self._rpc is not None:
            self._rpc.start(loop)
        self._loader.start()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._rpc is not None:
            self._rpc.stop(loop)
        self._loader.stop()
        self._guards.stop()
        self._metrics.share()
        if self._journal is not None:
            self._journal.close()
        logs.info("worker_stopped")

    async def __rsgi__(self, scope: Any, rsgi: Any) -> None:
        route = routes.parse(scope.path)
        # Each look at `scope.headers` copies them all.
        headers = scope.headers
        caller = caller_of(headers)
        try:
            reply = await self._answer(route, scope, headers, caller, rsgi)
            more = caller.answer()
            if self._config.log_requests and route.method == "POST":
                more = self._guards.answered(route.kind, caller, headers, reply.status)
        except Exception as error:  # noqa: BLE001  # the last resort: a fault of ours, logged and answered
            more = self._guards.refused(route.kind, caller, headers, error)
            reply = _refusal(error)
        if self._draining:
            more = [*more, _CLOSE]
        self._metrics.answered(route.kind, reply.status)
        sent = [*reply.headers, *more] if more else reply.headers
        rsgi.response_bytes(reply.status, sent, reply.body)

    async def _answer(
        self, route: Route, scope: Any, headers: Any, caller: Caller, rsgi: Any
    ) -> Reply:
        if route.kind is Kind.UNKNOWN:
            raise RequestError(404, "no such path")
        if scope.method != route.method:
            raise RequestError(
                405, f"this path takes {route.method} only", (("allow", route.method),)
            )
        if route.method == "POST":
            return await self._admitted(route, headers, caller, rsgi)
        return self._look(route)

    def _look(self, route: Route) -> Reply:
        match route.kind:
            case Kind.SERVER | Kind.OPENAPI | Kind.DOCS:
                return self._describe(route.kind)
            case Kind.LIVE:
                return Reply(200, messages.encode({"live": True}))
            case Kind.METRICS:
                return Reply(200, self._metrics.exposition(), _TEXT)
            case Kind.READY:
                return self._readiness({})
            case Kind.MODEL_READY:
                self._engine.check(route.model, route.version)
                return self._readiness({"name": self._config.model})
            case _:
                model = self._engine.model(route.model, route.version)
                return Reply(
                    200,
                    messages.encode(metadata.model(model, self._engine.placement.versions())),
                )

    def _describe(self, kind: Kind) -> Reply:
        if kind is Kind.DOCS:
            return Reply(200, *openapi.page())
        if kind is Kind.OPENAPI:
            model = self._engine.placement.champion
            return Reply(200, messages.encode(openapi.document(self._config, model)))
        return Reply(200, self._server)

    def _readiness(self, answer: dict[str, Any]) -> Reply:
        if self._draining:
            reason = _ENDING
        else:
            placement = self._engine.placement
            reason = "" if placement.champion is not None else placement.reason
        more = {"error": reason} if reason else {}
        body = messages.encode(answer | {"ready": not reason} | more)
        return Reply(503 if reason else 200, body)

    async def _admitted(self, route: Route, headers: Any, caller: Caller, rsgi: Any) -> Reply:
        """The answer, in the request's place and in its time."""
        ticket = self._enter(route, headers)
        try:
            if route.kind is Kind.FEEDBACK:
                return Reply(*feedback.accept(await self._body(headers, rsgi), self._labels))
            call, request = await self._read(route, headers, caller, rsgi)
            answer = await self._engine.infer(call, request)
            return Reply(200, *codec.encode(request, answer, headers.get(_ACCEPT)))
        except asyncio.CancelledError:
            overdue = self._admission.overdue(ticket)
            if overdue is None:
                raise
            raise self._counted(route, overdue) from None
        finally:
            self._admission.leave(ticket)

    def _enter(self, route: Route, headers: Any) -> Ticket:
        try:
            return self._guards.enter(headers)
        except RequestError as error:
            raise self._counted(route, error) from None

    def _counted(self, route: Route, error: RequestError) -> RequestError:
        """The refusal of an infer request that never came to the engine, which counts its own."""
        if route.kind is Kind.INFER:
            self._metrics.refused_request(None, error.status)
        return error

    async def _body(self, headers: Any, rsgi: Any) -> bytes:
        limit = self._config.limits.max_body_bytes
        body = await bodies.read(headers, rsgi, limit)
        return codec.plain(body, headers.get(_ENCODING), limit)

    async def _read(
        self, route: Route, headers: Any, caller: Caller, rsgi: Any
    ) -> tuple[Call, InferRequest]:
        try:
            body = await self._body(headers, rsgi)
            call = Call(
                route.model,
                route.version,
                headers.get(_ROUTING_KEY) or "",
                caller.trace_id,
                long=len(body) >= LONG_BYTES,
            )
            return call, await self._decode(call, body, headers.get(binary.HEADER))
        except RequestError as error:
            raise self._counted(route, error) from None

    async def _decode(self, call: Call, body: bytes, length: str | None) -> InferRequest:
        if call.long:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, codec.decode, body, length)
        return codec.decode(body, length)


def _refusal(error: Exception) -> Reply:
    if isinstance(error, RequestError):
        return Reply(error.status, messages.error_body(str(error)))
    return Reply(500, messages.error_body("internal error; the server's log has it"))
