"""Refusals over gRPC: which status stands for which of HTTP's, and what goes with it.

Owns the table.
"""

import grpc

from serving.errors import RequestError

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
_KEPT = {"retry-after"}
"""Headers that mean something to callers over gRPC too; they become trailing metadata."""


def code(error: RequestError) -> grpc.StatusCode:
    """The status of a refusal."""
    return _CODES.get(error.status, grpc.StatusCode.INTERNAL)


def metadata(error: RequestError) -> tuple[tuple[str, str], ...]:
    """The trailing metadata of a refusal."""
    return tuple((name, value) for name, value in error.headers if name in _KEPT)
