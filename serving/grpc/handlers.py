"""The way of every call over gRPC: read, let in, answered or refused, counted and logged.

Owns what all methods share. What a method answers is the business of `service`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from prometheus_client import Counter

from serving.errors import RequestError
from serving.grpc import statuses
from serving.grpc.messages import message
from serving.metrics.server import Metrics
from serving.middleware.admission import Ticket
from serving.middleware.guards import Guards
from serving.middleware.request_context import Caller, Pairs, caller_of


class Metadata:
    """A call's metadata, as `callers` reads heads of requests."""

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        """Leave out what is not text."""
        self._pairs = [(name, value) for name, value in pairs if isinstance(value, str)]
        self._first = dict(reversed(self._pairs))

    def get(self, key: str) -> str | None:
        """The first value of that name."""
        return self._first.get(key)

    def items(self) -> Iterable[tuple[str, str]]:
        """All names and values, a name as often as it came."""
        return self._pairs


@dataclass(frozen=True, slots=True)
class Visit:
    """What comes with a call beside its message.

    Attributes:
        metadata: by name.
        caller: who asks.
        size: bytes of the message.
    """

    metadata: Metadata
    caller: Caller
    size: int


_OK = 200
"""What the log, which both transports share, has for a success."""

Method = Callable[[Any, Visit], Awaitable[Any]]
"""Takes a message and its visit; answers a message, or raises RequestError."""


class Counts:
    """How many calls were answered, by method and status."""

    def __init__(self) -> None:
        """Count in the files that all processes share."""
        self._calls = Counter(
            "slipway_grpc_requests", "gRPC calls answered.", ["method", "code"], registry=None
        )
        self._children: dict[tuple[str, str], Counter] = {}

    def answered(self, method: str, code: str) -> None:
        """Count an answer. Both must be of closed sets."""
        child = self._children.get((method, code))
        if child is None:
            child = self._children[method, code] = self._calls.labels(method, code)
        child.inc()


class Doors:
    """Lets calls in and answers them."""

    def __init__(self, guards: Guards, metrics: Metrics, *, log_requests: bool) -> None:
        """Share `guards` and `metrics` with the other transport; all of infer's may be logged."""
        self._guards = guards
        self._metrics = metrics
        self._log_requests = log_requests
        self._counts = Counts()
        self._closed = False

    def close(self) -> None:
        """Refuse guarded calls from now on; those in hand go on."""
        self._closed = True

    def open(self, name: str, method: Method, *, guarded: bool = False) -> Any:
        """The handler of a method, as the library takes it.

        Args:
            name: the method's; its messages are `<name>Request` and `<name>Response`.
            method: what it does.
            guarded: whether callers must have a key, and are counted against the bound.
        """
        request = message(f"{name}Request")
        behind = self._guard(method) if guarded else method

        async def handle(payload: bytes, context: Any) -> Any:
            metadata = Metadata(context.invocation_metadata() or ())
            visit = Visit(metadata, caller_of(metadata), len(payload))
            try:
                answer = await behind(_parse(request, payload), visit)
            except Exception as error:  # noqa: BLE001  # the last resort: a fault of ours, logged and answered
                await context.abort(*self._refuse(name, visit, error))
            else:
                if more := self._answered(name, visit, log=guarded and self._log_requests):
                    context.set_trailing_metadata(tuple(more))
                return answer

        # Without a deserializer of the library's, which would make a fault of ours of bad bytes.
        return grpc.unary_unary_rpc_method_handler(
            handle, None, message(f"{name}Response").SerializeToString
        )

    def _guard(self, method: Method) -> Method:
        admission = self._guards.admission

        async def guarded(request: Any, visit: Visit) -> Any:
            ticket = self._enter(visit.metadata)
            try:
                return await method(request, visit)
            except asyncio.CancelledError:
                overdue = admission.overdue(ticket)
                if overdue is None:
                    raise
                self._metrics.refused_request(None, overdue.status)
                raise overdue from None
            finally:
                admission.leave(ticket)

        return guarded

    def _enter(self, metadata: Metadata) -> Ticket:
        try:
            return self._let_in(metadata)
        except RequestError as error:
            # What comes to the engine is counted there.
            self._metrics.refused_request(None, error.status)
            raise

    def _let_in(self, metadata: Metadata) -> Ticket:
        if self._closed:
            raise RequestError(503, "the server is about to end")
        return self._guards.enter(metadata)

    def _answered(self, name: str, visit: Visit, *, log: bool) -> Pairs:
        self._counts.answered(name, grpc.StatusCode.OK.name)
        if log:
            return self._guards.answered(_route(name), visit.caller, visit.metadata, _OK)
        return visit.caller.answer()

    def _refuse(
        self, name: str, visit: Visit, error: Exception
    ) -> tuple[grpc.StatusCode, str, tuple[tuple[str, str], ...]]:
        """Status, text and trailing metadata for what went wrong, once counted and logged."""
        more = self._guards.refused(_route(name), visit.caller, visit.metadata, error)
        code, text = statuses.of(error)
        self._counts.answered(name, code.name)
        return code, text, statuses.kept(more)


def _route(name: str) -> str:
    return f"grpc_{name}"


def _parse(kind: Any, payload: bytes) -> Any:
    try:
        return kind.FromString(payload)
    except DecodeError as error:
        raise RequestError(400, f"the message is no {kind.DESCRIPTOR.name}") from error
