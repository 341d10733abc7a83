"""The gRPC server of one worker: its port, its bounds, its beginning and its end.

Owns the library's server. Which methods there are is the business of `service` and `health`.
"""

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection

from serving.config import DRAIN_SECONDS, Config
from serving.grpc import health
from serving.grpc.handlers import Doors
from serving.grpc.messages import POOL, SERVICE
from serving.grpc.service import Service
from serving.inference.engine import Engine
from serving.metrics.server import Metrics
from serving.middleware.guards import Guards

_LAST_CALLS_SECONDS = 0.25
"""How long calls that came as the end began are told so."""

_GRACE_SECONDS = DRAIN_SECONDS - 1
"""What calls in hand are given at the end; the main process waits no longer than a second more."""


class Server:
    """Listens on one address, which other workers share."""

    def __init__(self, config: Config, port: int, doors: Doors, handlers: list[Any]) -> None:
        """Answer by `handlers`, some behind `doors`, once it has started; nothing is bound yet."""
        host = config.host
        self._doors = doors
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
        self._doors.close()
        await asyncio.sleep(_LAST_CALLS_SECONDS)
        await self._server.stop(_GRACE_SECONDS)


def _reflect(server: Any) -> None:
    """Let callers ask what there is to call."""
    POOL.AddSerializedFile(health_pb2.DESCRIPTOR.serialized_pb)
    reflection.enable_server_reflection(
        (SERVICE, health.NAME, reflection.SERVICE_NAME), server, POOL
    )


def make(config: Config, port: int, engine: Engine, metrics: Metrics, guards: Guards) -> Server:
    """The gRPC server of a worker.

    Args:
        config: the server's.
        port: its `grpc_port`.
        engine: what answers.
        metrics: where refusals are counted.
        guards: what stands before requests, shared with HTTP.
    """

    def ready() -> bool:
        return not guards.draining and engine.placement.champion is not None

    doors = Doors(guards, metrics, log_requests=config.log_requests)
    handlers = [Service(engine, metrics, ready).handler(doors), health.Health(ready).handler()]
    return Server(config, port, doors, handlers)
