"""BentoML's HTTP server with a service of one API.

As its documentation says: `@bentoml.service` with `workers`, an `async` API, columns as typed
arguments in JSON: https://docs.bentoml.com/en/latest/build-with-bentoml/parallelize-requests.html
In its favour: no access log, and uvloop and httptools are there. Adaptive batching
(`batchable=True`) was tried and made it no faster, with one row or 64. Metrics are on.
"""

from __future__ import annotations

from typing import Any

import bentoml
import numpy as np

from benchmarks.serving.handlers import scoring

_DTYPES = {"INT64": np.int64, "FP32": np.float32, "BYTES": np.object_}


@bentoml.service(
    workers=scoring.workers(),
    http={"host": "127.0.0.1", "port": scoring.port()},
    logging={"access": {"enabled": False}},
    traffic={"timeout": 60},
)
class Service:
    """Scores on the event loop of its process."""

    def __init__(self) -> None:
        self._scorer = scoring.Scorer()
        self._dtypes = {
            each["name"]: _DTYPES[each["datatype"]] for each in scoring.signature()["inputs"]
        }

    @bentoml.api(route="/predict")
    async def predict(self, columns: dict[str, list[Any]]) -> list[float]:
        """Answer one request: a list of rows by input, [N, 1] or [N, width]."""
        (result, *_) = self._scorer(
            {name: np.array(data, self._dtypes[name]) for name, data in columns.items()}
        )
        flat: list[float] = result.ravel().tolist()
        return flat
