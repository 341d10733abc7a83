"""The six methods of the Open Inference Protocol over gRPC.

Owns what each answers. How calls are admitted, refused and counted is the business of `handlers`,
how requests are scored that of `engine`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from serving.grpc import codec
from serving.grpc.handlers import CallContext, Handlers
from serving.grpc.messages import SERVICE, message
from serving.inference.engine import LONG_BYTES, Call, Engine
from serving.models import metadata
from serving.protocol.messages import InferRequest

_TENSOR = message("ModelMetadataResponse.TensorMetadata")


class Service:
    """Answers the methods by an engine."""

    def __init__(self, engine: Engine, ready: Callable[[], bool]) -> None:
        """Answer by `engine`; `ready` says whether the server takes requests."""
        self._engine = engine
        self._ready = ready

    def handler(self, handlers: Handlers) -> Any:
        """All methods, as the library takes them."""
        methods = {
            "ServerLive": handlers.handler("ServerLive", self._live),
            "ServerReady": handlers.handler("ServerReady", self._server_ready),
            "ModelReady": handlers.handler("ModelReady", self._model_ready),
            "ServerMetadata": handlers.handler("ServerMetadata", self._server),
            "ModelMetadata": handlers.handler("ModelMetadata", self._model),
            "ModelInfer": handlers.handler("ModelInfer", self._infer, guarded=True),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    async def _live(self, _request: Any, _context: CallContext) -> Any:
        return message("ServerLiveResponse")(live=True)

    async def _server_ready(self, _request: Any, _context: CallContext) -> Any:
        return message("ServerReadyResponse")(ready=self._ready())

    async def _model_ready(self, request: Any, _context: CallContext) -> Any:
        self._engine.check(request.name, request.version)
        return message("ModelReadyResponse")(ready=self._ready())

    async def _server(self, _request: Any, _context: CallContext) -> Any:
        return message("ServerMetadataResponse")(**metadata.server())

    async def _model(self, request: Any, _context: CallContext) -> Any:
        model = self._engine.model(request.name, request.version)
        described = metadata.model(model, self._engine.placement.versions())
        return message("ModelMetadataResponse")(
            name=described["name"],
            versions=described["versions"],
            platform=described["platform"],
            inputs=[_TENSOR(**tensor) for tensor in described["inputs"]],
            outputs=[_TENSOR(**tensor) for tensor in described["outputs"]],
        )

    async def _infer(self, request: Any, context: CallContext) -> Any:
        long = context.size >= LONG_BYTES
        call = Call(
            request.model_name,
            request.model_version,
            context.metadata.get("x-routing-key") or "",
            context.request.trace_id,
            long=long,
        )
        response = await self._engine.infer(call, await self._read(request, long=long))
        return codec.write(response, raw=bool(request.raw_input_contents))

    async def _read(self, request: Any, *, long: bool) -> InferRequest:
        if long:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, codec.read, request)
        return codec.read(request)
