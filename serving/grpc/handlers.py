"""What every gRPC call passes: parsed, admitted, answered or refused, counted and logged.

Owns what all methods share. What a method answers is the business of `service`.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from prometheus_client import CollectorRegistry, Counter

from contracts.metrics import GRPC_REQUESTS
from serving.errors import RequestError
from serving.grpc import statuses
from serving.grpc.messages import message
from serving.middleware.guards import Guards
from serving.middleware.request_context import Pairs, RequestContext, context_of


class Metadata:
    """A call's metadata, in the form of a request's headers."""

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
class CallContext:
    """What comes with a call beside its message.

    Attributes:
        metadata: by name.
        request: the context that all transports have.
        size: bytes of the message.
    """

    metadata: Metadata
    request: RequestContext
    size: int


_OK = 200
"""The code of a success in the log, which both transports share."""

Method = Callable[[Any, CallContext], Awaitable[Any]]
"""Takes a message and its context; answers a message, or raises RequestError."""


class CallMetrics:
    """How many calls were answered, by method and status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them in `registry`."""
        self._calls = Counter(
            GRPC_REQUESTS, "gRPC calls answered.", ["method", "code"], registry=registry
        )
        self._children: dict[tuple[str, str], Counter] = {}

    def answered(self, method: str, code: str) -> None:
        """Count an answer. Both must be of closed sets."""
        child = self._children.get((method, code))
        if child is None:
            child = self._children[method, code] = self._calls.labels(method, code)
        child.inc()


class Handlers:
    """Makes the library's handlers of methods."""

    def __init__(self, guards: Guards, metrics: CallMetrics, *, log_requests: bool) -> None:
        """Share `guards` with the other transport; all of infer's calls may be logged."""
        self._guards = guards
        self._metrics = metrics
        self._log_requests = log_requests

    def handler(self, name: str, method: Method, *, guarded: bool = False) -> Any:
        """The handler of a method, as the library takes it.

        Args:
            name: the method's; its messages are `<name>Request` and `<name>Response`.
            method: what it does.
            guarded: whether its calls need a key, and are counted against the bound.
        """
        request = message(f"{name}Request")
        call = self._guarded(method) if guarded else method

        async def handle(payload: bytes, servicer: Any) -> Any:
            metadata = Metadata(servicer.invocation_metadata() or ())
            context = CallContext(metadata, context_of(metadata), len(payload))
            try:
                response = await call(_parse(request, payload), context)
            except Exception as error:  # noqa: BLE001  # the last resort: a fault of ours, logged and answered
                await servicer.abort(*self._refuse(name, context, error))
            else:
                if more := self._answered(name, context, log=guarded and self._log_requests):
                    servicer.set_trailing_metadata(tuple(more))
                return response

        # Without a deserializer of the library's, which would make a fault of ours of bad bytes.
        return grpc.unary_unary_rpc_method_handler(
            handle, None, message(f"{name}Response").SerializeToString
        )

    def _guarded(self, method: Method) -> Method:
        async def guarded(request: Any, context: CallContext) -> Any:
            async with self._guards.admit(context.request, context.metadata, infer=True):
                return await method(request, context)

        return guarded

    def _answered(self, name: str, context: CallContext, *, log: bool) -> Pairs:
        self._metrics.answered(name, grpc.StatusCode.OK.name)
        if log:
            return self._guards.answered(_route(name), context.request, context.metadata, _OK)
        return context.request.response_headers()

    def _refuse(
        self, name: str, context: CallContext, error: Exception
    ) -> tuple[grpc.StatusCode, str, tuple[tuple[str, str], ...]]:
        """Status, text and trailing metadata of a refusal, once counted and logged."""
        more = self._guards.refused(_route(name), context.request, context.metadata, error)
        code, text = statuses.status_of(error)
        self._metrics.answered(name, code.name)
        return code, text, statuses.trailing_metadata(more)


def _route(name: str) -> str:
    return f"grpc_{name}"


def _parse(kind: Any, payload: bytes) -> Any:
    try:
        return kind.FromString(payload)
    except DecodeError as error:
        raise RequestError(400, f"the message is no {kind.DESCRIPTOR.name}") from error
