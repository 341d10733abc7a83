"""gRPC's own health service, as Kubernetes and load balancers ask it.

Owns its two methods. The library's servicer is set to states, and forgets a watcher when another
leaves; this one polls whether the server is ready, for each watcher.
Source: https://github.com/grpc/grpc (doc/health-checking.md).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from serving.grpc.messages import SERVICE

NAME = "grpc.health.v1.Health"

_PAUSE = 0.2
_Response = health_pb2.HealthCheckResponse
_KNOWN = {"", SERVICE}


class Health:
    """Whether the server, or the protocol's service, takes requests."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        """Answer by `ready`."""
        self._ready = ready

    def handler(self) -> Any:
        """Its methods, as the library takes them."""
        request = health_pb2.HealthCheckRequest.FromString
        response = _Response.SerializeToString
        return grpc.method_handlers_generic_handler(
            NAME,
            {
                "Check": grpc.unary_unary_rpc_method_handler(self._check, request, response),
                "Watch": grpc.unary_stream_rpc_method_handler(self._watch, request, response),
            },
        )

    def _status(self) -> Any:
        return _Response.SERVING if self._ready() else _Response.NOT_SERVING

    async def _check(self, request: Any, context: Any) -> Any:
        if request.service not in _KNOWN:
            await context.abort(
                grpc.StatusCode.NOT_FOUND, f"unknown service; there is {SERVICE!r}, and ''"
            )
        return _Response(status=self._status())

    async def _watch(self, request: Any, _context: Any) -> AsyncIterator[Any]:
        known, last = request.service in _KNOWN, None
        while True:
            status = self._status() if known else _Response.SERVICE_UNKNOWN
            if status != last:
                last = status
                yield _Response(status=status)
            await asyncio.sleep(_PAUSE)
