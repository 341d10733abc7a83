"""The gRPC client: grpcio's own, with requests that are serialized beforehand.

`python -m benchmarks.serving.grpc_client PORT FILE CONNECTIONS SECONDS` prints what `client.run`
reads. It is Python, so it may be slower than what it measures: its figures are a lower bound.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import numpy as np
from tritonclient.grpc import service_pb2

from benchmarks.serving import client

if TYPE_CHECKING:
    from benchmarks.serving.cores import Split
    from benchmarks.serving.models import Model

_METHOD = "/inference.GRPCInferenceService/ModelInfer"
_FIELDS = {"INT64": "int64_contents", "FP32": "fp32_contents", "BYTES": "bytes_contents"}
_TIMEOUT = 10.0


def load(port: int, model: Model, connections: int, seconds: int, split: Split) -> client.Figures:
    """Load the server on `port` with requests of one row.

    Raises:
        ClientError: the client fails.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(request(model))
        file.flush()
        arguments = (str(port), file.name, str(connections), str(seconds))
        command = [sys.executable, "-m", "benchmarks.serving.grpc_client", *arguments]
        return client.run(command, split.client)


def request(model: Model) -> bytes:
    """A request of the published proto with the model's first row."""
    message = service_pb2.ModelInferRequest(model_name=model.name)
    for spec in model.inputs:
        value = model.rows[0][spec["name"]]
        values = value if isinstance(value, list) else [value]
        tensor = message.inputs.add(name=spec["name"], datatype=spec["datatype"])
        tensor.shape.extend([1, len(values)])
        encoded = [each.encode() if isinstance(each, str) else each for each in values]
        getattr(tensor.contents, _FIELDS[spec["datatype"]]).extend(encoded)
    data: bytes = message.SerializeToString()
    return data


async def _connection(port: int, data: bytes, end: float, seen: list[float]) -> int:
    """Ask one after the other until `end`; how many were not answered."""
    failed = 0
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        call = channel.unary_unary(_METHOD)
        while (start := time.perf_counter()) < end:
            try:
                await call(data, timeout=_TIMEOUT)
            except grpc.aio.AioRpcError:
                failed += 1
            seen.append(time.perf_counter() - start)
    return failed


async def _connections(port: int, data: bytes, count: int, seconds: float) -> None:
    seen, start = list[float](), time.perf_counter()
    end = start + seconds
    failed = await asyncio.gather(*(_connection(port, data, end, seen) for _ in range(count)))
    p50, p99, p999 = np.percentile(np.array(seen) * 1e6, [50, 99, 99.9])
    microseconds = (time.perf_counter() - start) * 1e6
    said = {"requests": len(seen), "microseconds": microseconds, "failed": sum(failed)}
    print(json.dumps(said | {"p50": p50, "p99": p99, "p999": p999, "broken": 0}))  # noqa: T201


if __name__ == "__main__":
    _port, _file, _count, _seconds = sys.argv[1:]
    _data = Path(_file).read_bytes()
    asyncio.run(_connections(int(_port), _data, int(_count), float(_seconds)))
