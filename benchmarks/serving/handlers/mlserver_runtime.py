"""MLServer with a custom runtime.

As its documentation says: an `MLModel` with `load` and `predict`, its own codecs for tensors:
https://docs.seldon.ai/mlserver/user-guide/custom
`parallel_workers` is 0 for a single process, which spares a hop between processes, and one a core
for all cores: https://docs.seldon.ai/mlserver/user-guide/parallel-inference
In its favour: no access log (`debug` is false) and no gzip of answers. Metrics are on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.serving.handlers import scoring


class Runtime(MLModel):  # type: ignore[misc]  # mlserver is not in this environment
    """Scores on the event loop of its process."""

    async def load(self) -> bool:
        """Make the session."""
        self._scorer = scoring.Scorer()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer one request."""
        results = self._scorer({each.name: _array(each) for each in payload.inputs})
        outputs = [
            NumpyCodec.encode_output(name, array)
            for name, array in zip(self._scorer.outputs, results, strict=True)
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)


def _array(tensor: Any) -> np.ndarray:
    array: np.ndarray = NumpyCodec.decode_input(tensor)
    # onnxruntime takes texts as objects only.
    return array.astype(np.object_) if array.dtype.kind == "U" else array
