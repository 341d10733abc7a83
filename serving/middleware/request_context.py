"""What a request's head says of its caller: request id and trace, by whichever transport it came.

Owns which headers are read and which go back. A request without them costs two look-ups.
"""

from collections.abc import Iterable
from typing import Protocol

from serving.middleware import trace_context
from serving.middleware.access_log import Asked
from serving.middleware.trace_context import Trace

_REQUEST_ID = "x-request-id"
_PARENT, _STATE = "traceparent", "tracestate"

Pairs = list[tuple[str, str]]


class Headers(Protocol):
    """Names in small letters, values in their order: RSGI's headers, or a gRPC call's metadata."""

    def get(self, key: str) -> str | None:
        """The first value."""

    def items(self) -> Iterable[tuple[str, str]]:
        """All names and values, a name as often as it came."""


class Caller:
    """Who asked, as far as the head of the request says."""

    __slots__ = ("_request", "trace")

    def __init__(self, request: str | None = None, trace: Trace | None = None) -> None:
        """Know the caller by the request id that came, fit or not, and by the trace."""
        self._request = request
        self.trace = trace

    @property
    def trace_id(self) -> str:
        """The trace's id, empty where there is none."""
        return "" if self.trace is None else self.trace.trace

    def answer(self) -> Pairs:
        """The headers of an answer that is a success: only what the caller asked for."""
        pairs = [] if self.trace is None else self.trace.headers
        if self._request is not None:
            pairs.append((_REQUEST_ID, trace_context.request_id(self._request)))
        return pairs

    def refusal(self, route: str, key: str) -> tuple[Asked, Pairs]:
        """What the log says of a request that failed, and the headers of its answer.

        Both have the request's id, also where the caller gave none, so that they can be matched.
        """
        request = trace_context.request_id(self._request)
        pairs = [] if self.trace is None else self.trace.headers
        return Asked(route, request, self.trace_id, key), [*pairs, (_REQUEST_ID, request)]


NOBODY = Caller()
"""Whoever says nothing of themselves, as most do."""


def caller_of(headers: Headers) -> Caller:
    """The caller, from the head of the request."""
    request = headers.get(_REQUEST_ID)
    if headers.get(_PARENT) is not None:
        return Caller(request, _trace(headers))
    return NOBODY if request is None else Caller(request)


def _trace(headers: Headers) -> Trace | None:
    pairs = list(headers.items())
    return trace_context.follow(
        [value for name, value in pairs if name == _PARENT],
        [value for name, value in pairs if name == _STATE],
    )
