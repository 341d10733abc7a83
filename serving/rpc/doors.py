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

from serving.admission import Admission
from serving.callers import Caller, caller_of
from serving.errors import RequestError
from serving.keys import Keys
from serving.request_log import RequestLog
from serving.rpc import statuses
from serving.rpc.messages import message


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

    def __init__(self, keys: Keys, admission: Admission, requests: RequestLog) -> None:
        """Share `admission` and `requests` with the other transport."""
        self._keys = keys
        self._admission = admission
        self._requests = requests
        self._counts = Counts()

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
                self._counts.answered(name, grpc.StatusCode.OK.name)
                if more := visit.caller.answer():
                    context.set_trailing_metadata(tuple(more))
                return answer

        # Without a deserializer of the library's, which would make a fault of ours of bad bytes.
        return grpc.unary_unary_rpc_method_handler(
            handle, None, message(f"{name}Response").SerializeToString
        )

    def _guard(self, method: Method) -> Method:
        async def guarded(request: Any, visit: Visit) -> Any:
            get = visit.metadata.get
            self._keys.caller(get("authorization"), get("x-api-key"))
            ticket = self._admission.enter()
            try:
                return await method(request, visit)
            except asyncio.CancelledError:
                overdue = self._admission.overdue(ticket)
                if overdue is None:
                    raise
                raise overdue from None
            finally:
                self._admission.leave(ticket)

        return guarded

    def _refuse(
        self, name: str, visit: Visit, error: Exception
    ) -> tuple[grpc.StatusCode, str, tuple[tuple[str, str], ...]]:
        """Status, text and trailing metadata for what went wrong, once counted and logged."""
        get = visit.metadata.get
        asked, more = visit.caller.refusal(
            f"grpc_{name}", self._keys.name(get("authorization"), get("x-api-key"))
        )
        if isinstance(error, RequestError):
            code, text = statuses.code(error), str(error)
            more += statuses.metadata(error)
            self._requests.refused(asked, error.status, text)
        else:
            code, text = grpc.StatusCode.INTERNAL, "internal error; the server's log has it"
            self._requests.crashed(asked, error)
        self._counts.answered(name, code.name)
        return code, text, tuple(more)


def _parse(kind: Any, payload: bytes) -> Any:
    try:
        return kind.FromString(payload)
    except DecodeError as error:
        raise RequestError(400, f"the message is no {kind.DESCRIPTOR.name}") from error
