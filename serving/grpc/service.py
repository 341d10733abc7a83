"""The six methods of the Open Inference Protocol over gRPC.

Owns what each answers. How calls are let in, refused and counted is the business of `doors`, how
requests are scored that of `engine`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from serving.errors import RequestError
from serving.grpc import codec
from serving.grpc.handlers import Doors, Visit
from serving.grpc.messages import SERVICE, message
from serving.inference.engine import LONG_BYTES, Call, Engine
from serving.metrics.server import Metrics
from serving.models import metadata as description
from serving.models.signature import TensorSpec
from serving.protocol.messages import InferRequest

_TENSOR = message("ModelMetadataResponse.TensorMetadata")


class Service:
    """Answers the methods by an engine."""

    def __init__(self, engine: Engine, metrics: Metrics, ready: Callable[[], bool]) -> None:
        """Answer by `engine`; `ready` says whether requests are welcome."""
        self._engine = engine
        self._metrics = metrics
        self._ready = ready

    def handler(self, doors: Doors) -> Any:
        """All methods behind the doors, as the library takes them."""
        handlers = {
            "ServerLive": doors.open("ServerLive", self._live),
            "ServerReady": doors.open("ServerReady", self._server_ready),
            "ModelReady": doors.open("ModelReady", self._model_ready),
            "ServerMetadata": doors.open("ServerMetadata", self._server),
            "ModelMetadata": doors.open("ModelMetadata", self._model),
            "ModelInfer": doors.open("ModelInfer", self._infer, guarded=True),
        }
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    async def _live(self, _request: Any, _visit: Visit) -> Any:
        return message("ServerLiveResponse")(live=True)

    async def _server_ready(self, _request: Any, _visit: Visit) -> Any:
        return message("ServerReadyResponse")(ready=self._ready())

    async def _model_ready(self, request: Any, _visit: Visit) -> Any:
        self._engine.check(request.name, request.version)
        return message("ModelReadyResponse")(ready=self._ready())

    async def _server(self, _request: Any, _visit: Visit) -> Any:
        return message("ServerMetadataResponse")(**description.server())

    async def _model(self, request: Any, _visit: Visit) -> Any:
        model = self._engine.model(request.name, request.version)
        known = description.model(model, self._engine.placement.versions())
        return message("ModelMetadataResponse")(
            name=known["name"],
            versions=known["versions"],
            platform=known["platform"],
            inputs=[_tensor(spec) for spec in known["inputs"]],
            outputs=[_tensor(spec) for spec in known["outputs"]],
        )

    async def _infer(self, request: Any, visit: Visit) -> Any:
        long = visit.size >= LONG_BYTES
        call = Call(
            request.model_name,
            request.model_version,
            visit.metadata.get("x-routing-key") or "",
            visit.caller.trace_id,
            long=long,
        )
        given = await self._read(request, long=long)
        answer = await self._engine.infer(call, given)
        return codec.write(answer, raw=bool(request.raw_input_contents))

    async def _read(self, request: Any, *, long: bool) -> InferRequest:
        try:
            if long:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(None, codec.read, request)
            return codec.read(request)
        except RequestError as error:
            # What comes to the engine is counted there.
            self._metrics.refused_request(None, error.status)
            raise


def _tensor(spec: TensorSpec) -> Any:
    return _TENSOR(name=spec.name, datatype=spec.datatype, shape=spec.shape)
