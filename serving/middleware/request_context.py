"""The context of one request: its id, its trace and its API key, whichever the transport.

Owns which headers are read and which go back. A request without them costs two look-ups.
"""

from collections.abc import Iterable
from typing import Protocol

from serving.middleware import trace_context
from serving.middleware.access_log import RequestInfo
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


class RequestContext:
    """What is known of one request beside its body.

    Attributes:
        trace: the caller's trace, None without one.
        key: the name of its API key, empty where that is unknown; None until keys are compared.
    """

    __slots__ = ("_request_id", "key", "trace")

    def __init__(self, request_id: str | None = None, trace: Trace | None = None) -> None:
        """Hold the request id as it came, valid or not, and the trace."""
        self._request_id = request_id
        self.trace = trace
        self.key: str | None = None

    @property
    def trace_id(self) -> str:
        """The trace's id, empty where there is none."""
        return "" if self.trace is None else self.trace.trace

    def response_headers(self) -> Pairs:
        """The headers of a response that no log line belongs to: those that the request has."""
        pairs = [] if self.trace is None else self.trace.headers
        if self._request_id is not None:
            pairs.append((_REQUEST_ID, trace_context.request_id(self._request_id)))
        return pairs

    def logged(self, route: str) -> tuple[RequestInfo, Pairs]:
        """What a log line says of the request, and the headers of its response.

        Both have the request's id, generated where it came without one, so that they match.
        """
        request_id = trace_context.request_id(self._request_id)
        pairs = [] if self.trace is None else self.trace.headers
        info = RequestInfo(route, request_id, self.trace_id, self.key or "")
        return info, [*pairs, (_REQUEST_ID, request_id)]


def context_of(headers: Headers) -> RequestContext:
    """The context of a request, from its head."""
    request_id = headers.get(_REQUEST_ID)
    return RequestContext(request_id, None if headers.get(_PARENT) is None else _trace(headers))


def _trace(headers: Headers) -> Trace | None:
    pairs = list(headers.items())
    return trace_context.follow(
        [value for name, value in pairs if name == _PARENT],
        [value for name, value in pairs if name == _STATE],
    )
