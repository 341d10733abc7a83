"""KServe's Python ModelServer with a custom predictor.

As its documentation says: `Model` with `load` and `predict`, `InferRequest` in and
`InferResponse` out, `as_numpy` for tensors, one uvicorn worker a core (`--workers`):
https://kserve.github.io/website/docs/model-serving/predictive-inference/frameworks/custom-predictor
https://kserve.github.io/website/docs/reference/python-runtime-sdk/python-runtime-sdk-api
uvloop and httptools are there, so uvicorn takes them. In its favour: no gRPC server, and neither
its line a request (`enable_latency_logging`) nor uvicorn's (`log_config_file`). Its metrics cannot
be switched off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from kserve.utils.utils import generate_uuid

from benchmarks.serving.handlers import scoring

if TYPE_CHECKING:
    import numpy as np


class Predictor(Model):  # type: ignore[misc]  # kserve is not in this environment
    """Scores on the event loop: a thread a request costs more than the model does."""

    def __init__(self) -> None:
        self._scorer = scoring.Scorer()
        super().__init__(self._scorer.name)
        self.ready = True

    def __reduce__(self) -> tuple[type[Predictor], tuple[()]]:
        """Each worker process makes its own: a session cannot be sent to it."""
        return Predictor, ()

    def predict(
        self, payload: InferRequest, _headers: dict[str, str] | None = None
    ) -> InferResponse:
        """Answer one request."""
        results = self._scorer({each.name: each.as_numpy() for each in payload.inputs})
        outputs = [
            _output(name, array) for name, array in zip(self._scorer.outputs, results, strict=True)
        ]
        return InferResponse(payload.id or generate_uuid(), self.name, outputs)


def _output(name: str, array: np.ndarray) -> InferOutput:
    output = InferOutput(name, list(array.shape), "FP32")
    output.set_data_from_numpy(array, binary_data=False)
    return output


if __name__ == "__main__":
    ModelServer(
        http_port=scoring.port(),
        workers=scoring.workers(),
        enable_grpc=False,
        enable_latency_logging=False,
    ).start([Predictor()])
