"""The HTTP transport: an RSGI application for the Open Inference Protocol v2.

Owns dispatch, statuses and headers. Every response that is not a success carries the protocol's
error object. Source of RSGI: https://github.com/emmett-framework/granian (docs/spec/RSGI.md).
"""

import asyncio
import gc
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from serving import logs
from serving.config import Config
from serving.errors import RequestError
from serving.http import binary, body, codec, openapi, routes
from serving.http.routes import HEAD, Kind, Route
from serving.inference.engine import LONG_BYTES, Call, Engine
from serving.metrics.server import LABEL, Metrics
from serving.middleware import draining
from serving.middleware.guards import Guards
from serving.middleware.request_context import RequestContext, context_of
from serving.models import metadata
from serving.prediction_log import feedback
from serving.prediction_log.journal import Journal
from serving.protocol import messages

_TURN_SECONDS = 0.001
_YOUNG = 10_000
"""New objects before the collector runs: a batch of requests has hundreds, and none stays."""
_ROUTING_KEY = "x-routing-key"
_ENCODING, _ACCEPT = "content-encoding", "accept-encoding"
_JSON = [("content-type", "application/json")]
_TEXT = [("content-type", "text/plain; version=0.0.4; charset=utf-8")]
_CLOSE = ("connection", "close")


class Reply(NamedTuple):
    """One response, as RSGI takes it."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = _JSON


class Lifecycle(Protocol):
    """A part of the worker that begins and ends with its loop, while that does not run."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin."""

    def stop(self, loop: asyncio.AbstractEventLoop) -> None:
        """End, with what is in hand."""


class App:
    """One worker's application; Granian calls the `__rsgi*__` methods."""

    def __init__(  # noqa: PLR0913, PLR0917  # the parts of a worker
        self,
        config: Config,
        engine: Engine,
        metrics: Metrics,
        guards: Guards,
        journal: Journal | None,
        parts: Sequence[Lifecycle],
    ) -> None:
        """Answer by `engine`, and keep labels in `journal`.

        `parts` begin in their order and end in the reverse one.
        """
        self._config = config
        self._engine = engine
        self._metrics = metrics
        self._guards = guards
        self._draining = guards.draining
        self._journal = journal
        self._parts = parts
        self._max_body_bytes = config.limits.max_body_bytes
        self._server = messages.encode(metadata.server())

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        logs.info("worker_started", host=self._config.host, port=self._config.port)
        # What was imported stays: walking it again and again would hold requests up.
        gc.freeze()
        gc.set_threshold(_YOUNG)
        # Long requests and explanations are worked on beside the loop; it gets its turn back soon.
        sys.setswitchinterval(_TURN_SECONDS)
        for part in self._parts:
            part.start(loop)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        for part in reversed(self._parts):
            part.stop(loop)
        logs.info("worker_stopped")

    async def __rsgi__(self, scope: Any, rsgi: Any) -> None:
        route = routes.parse(scope.path)
        # Each read of `scope.headers` copies them all.
        headers = scope.headers
        context = context_of(headers)
        try:
            reply = await self._answer(route, scope, headers, context, rsgi)
            if self._config.log_requests and route.method == "POST":
                more = self._guards.answered(route.kind, context, headers, reply.status)
            else:
                more = context.response_headers()
        except Exception as error:  # noqa: BLE001  # the last resort: a fault of ours, logged and answered
            more = self._guards.refused(route.kind, context, headers, error)
            reply = _refusal(error)
        if self._draining:
            more = [*more, _CLOSE]
        self._metrics.answered(route.kind, reply.status)
        sent = [*reply.headers, *more] if more else reply.headers
        rsgi.response_bytes(reply.status, sent, reply.body)

    async def _answer(
        self, route: Route, scope: Any, headers: Any, context: RequestContext, rsgi: Any
    ) -> Reply:
        if route.kind is Kind.UNKNOWN:
            raise RequestError(404, "no such path")
        method = route.method
        if scope.method != method and (scope.method != HEAD or method != "GET"):
            raise RequestError(
                405, f"this path takes {route.allow} only", (("allow", route.allow),)
            )
        if method == "POST":
            return await self._admitted(route, headers, context, rsgi)
        return self._get(route)

    def _get(self, route: Route) -> Reply:
        match route.kind:
            case Kind.SERVER | Kind.SLOTS | Kind.OPENAPI | Kind.DOCS:
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
        if kind is Kind.SLOTS:
            slots = metadata.slots(self._config.model, self._engine.placement)
            return Reply(200, messages.encode(slots))
        return Reply(200, self._server)

    def _readiness(self, fields: dict[str, Any]) -> Reply:
        if self._draining:
            reason = draining.MESSAGE
        else:
            placement = self._engine.placement
            reason = "" if placement.champion is not None else placement.reason
        more = {"error": reason} if reason else {}
        content = messages.encode(fields | {"ready": not reason} | more)
        return Reply(503 if reason else 200, content)

    async def _admitted(
        self, route: Route, headers: Any, context: RequestContext, rsgi: Any
    ) -> Reply:
        """The reply, while the request is in hand and in its time."""
        infer = route.kind is Kind.INFER
        async with self._guards.admit(context, headers, infer=infer):
            content = await body.read(headers, rsgi, self._max_body_bytes)
            content = codec.plain(content, headers.get(_ENCODING), self._max_body_bytes)
            if not infer:
                kept = partial(self._metrics.log_kept, LABEL)
                return Reply(*feedback.accept(content, self._journal, kept))
            long = len(content) >= LONG_BYTES
            key = headers.get(_ROUTING_KEY) or ""
            call = Call(route.model, route.version, key, context.trace_id, long=long)
            length = headers.get(binary.HEADER)
            if long:
                loop = asyncio.get_running_loop()
                request = await loop.run_in_executor(None, codec.decode, content, length)
            else:
                request = codec.decode(content, length)
            response = await self._engine.infer(call, request)
            return Reply(200, *codec.encode(request, response, headers.get(_ACCEPT)))


def _refusal(error: Exception) -> Reply:
    if isinstance(error, RequestError):
        return Reply(error.status, messages.error_body(str(error)))
    return Reply(500, messages.error_body("internal error; the server's log has it"))
