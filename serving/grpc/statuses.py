"""Refusals over gRPC: the status for each of HTTP's, and the metadata that goes with it.

Owns the table.
"""

import grpc

from serving.errors import RequestError
from serving.middleware.request_context import Pairs

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
_HTTP_ONLY = {"allow", "accept-encoding", "connection", "www-authenticate"}
"""Headers of refusals that mean nothing over gRPC; the others become trailing metadata."""


def status_of(error: Exception) -> tuple[grpc.StatusCode, str]:
    """Status and text of a refusal; those of a fault of ours tell no more than that."""
    if isinstance(error, RequestError):
        return _CODES.get(error.status, grpc.StatusCode.INTERNAL), str(error)
    return grpc.StatusCode.INTERNAL, "internal error; the server's log has it"


def trailing_metadata(headers: Pairs) -> tuple[tuple[str, str], ...]:
    """The headers of a refusal that mean something over gRPC."""
    return tuple((name, value) for name, value in headers if name not in _HTTP_ONLY)
