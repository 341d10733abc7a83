"""The gRPC server of one worker: its port, its bounds, its beginning and its end.

Owns the library's server. Which methods there are is the business of `service` and `health`.
"""

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry

from serving.config import DRAIN_SECONDS, Config
from serving.grpc import health
from serving.grpc.handlers import CallMetrics, Handlers
from serving.grpc.messages import POOL, SERVICE
from serving.grpc.service import Service
from serving.inference.engine import Engine
from serving.middleware.guards import Guards

_LAST_CALLS_SECONDS = 0.25
"""How long calls that came as the end began are refused."""

_GRACE_SECONDS = DRAIN_SECONDS - 1
"""Seconds that calls in hand have at the end; the main process waits no more than one longer."""


class Server:
    """Listens on one address, which other workers share."""

    def __init__(self, config: Config, port: int, guards: Guards, handlers: list[Any]) -> None:
        """Answer by `handlers`, some behind `guards`, once it has started; nothing is bound yet."""
        host = config.host
        self._guards = guards
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._options = [
            ("grpc.so_reuseport", 1),
            ("grpc.max_receive_message_length", config.limits.max_body_bytes),
            ("grpc.max_send_message_length", -1),
        ]
        self._handlers = handlers
        self._server: Any = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen; the loop must not run yet.

        Raises:
            RuntimeError: the address cannot be bound.
        """
        loop.run_until_complete(self._start())

    async def _start(self) -> None:
        self._server = grpc.aio.server(options=self._options)
        self._server.add_generic_rpc_handlers(self._handlers)
        _reflect(self._server)
        self._server.add_insecure_port(self._address)
        await self._server.start()

    def stop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take no more calls, and answer those in hand; the loop must run no more."""
        if self._server is not None:
            loop.run_until_complete(self._stop())

    async def _stop(self) -> None:
        # The library ends calls that wait for their handler as CANCELLED, as if their callers had
        # given up (grpc issue 41785). Refused as UNAVAILABLE, they are tried again elsewhere.
        self._guards.admission.close()
        await asyncio.sleep(_LAST_CALLS_SECONDS)
        await self._server.stop(_GRACE_SECONDS)


def _reflect(server: Any) -> None:
    """Serve the descriptions of all services by reflection."""
    POOL.AddSerializedFile(health_pb2.DESCRIPTOR.serialized_pb)
    reflection.enable_server_reflection(
        (SERVICE, health.NAME, reflection.SERVICE_NAME), server, POOL
    )


def make(
    config: Config, port: int, engine: Engine, guards: Guards, registry: CollectorRegistry
) -> Server:
    """The gRPC server of a worker.

    Args:
        config: the server's.
        port: its `grpc_port`.
        engine: what answers.
        guards: what requests pass, shared with HTTP.
        registry: the worker's metrics.
    """

    def ready() -> bool:
        return not guards.draining and engine.placement.champion is not None

    handlers = Handlers(guards, CallMetrics(registry), log_requests=config.log_requests)
    services = [Service(engine, ready).handler(handlers), health.Health(ready).handler()]
    return Server(config, port, guards, services)
