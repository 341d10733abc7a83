"""The bare handler: Granian, msgspec and onnxruntime; no check, limit, metric or log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from benchmarks.serving.handlers import granian_server, scoring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_HEADERS = [("content-type", "application/json")]
_DTYPES = {"INT64": np.int64, "FP32": np.float32, "BYTES": np.object_}


class _Tensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class _Request(msgspec.Struct):
    inputs: list[_Tensor]


class _Response(msgspec.Struct):
    model_name: str
    outputs: list[_Tensor]


def load() -> Callable[[Any, Any], Awaitable[None]]:
    """The application."""
    scorer = scoring.Scorer()
    decode = msgspec.json.Decoder(_Request).decode
    encode = msgspec.json.Encoder().encode

    async def infer(_scope: Any, protocol: Any) -> None:
        request = decode(await protocol())
        results = scorer(
            {
                each.name: np.array(each.data, _DTYPES[each.datatype]).reshape(each.shape)
                for each in request.inputs
            }
        )
        outputs = [
            _Tensor(name, list(array.shape), "FP32", array.ravel().tolist())
            for name, array in zip(scorer.outputs, results, strict=True)
        ]
        protocol.response_bytes(200, _HEADERS, encode(_Response(scorer.name, outputs)))

    return infer


if __name__ == "__main__":
    granian_server.serve(load)
