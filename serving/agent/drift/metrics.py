"""Metrics of inputs and outputs, by Prometheus conventions.

Labels are names of inputs and outputs, which requests cannot invent: a record is of a request that
fitted its model. Models come and go while a process lives, so their number is bounded too.
"""

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from contracts.metrics import FEATURE_MISSING, FEATURE_OUT_OF_RANGE, PREDICTION_VALUE
from serving.metrics.buffered import SharedHistogram

OTHER: Final = "(other)"
"""Stands for the names beyond the bound."""
_MAX_FEATURES = 512
_MAX_OUTPUTS = 32

_TWENTIETHS = tuple(number / 20 for number in range(1, 21))
_LARGE = tuple(step * 10.0**power for power in range(6) for step in (2, 5, 10))
_NEGATIVE = tuple(-(10.0**power) for power in range(6, -1, -1))
BUCKETS: Final = (*_NEGATIVE, 0.0, *_TWENTIETHS, *_LARGE)
"""Twentieths for probabilities and 2, 5, 10... for other numbers: one set for all models, as
bounds that changed with the model could not be compared across a swap."""


class DriftMetrics:
    """The observer's metrics of one registered model."""

    def __init__(self, model: str, registry: CollectorRegistry) -> None:
        """Register them in `registry`."""
        self._model = model
        labels = ["model", "feature"]
        self._outside = Counter(
            FEATURE_OUT_OF_RANGE,
            "Values beyond the training rows' range, or of none of their categories.",
            labels,
            registry=registry,
        )
        self._missing = Counter(
            FEATURE_MISSING, "Values that were missing.", labels, registry=registry
        )
        self._values = SharedHistogram(
            PREDICTION_VALUE,
            "Values predicted.",
            ["model", "slot", "output"],
            BUCKETS,
            registry,
        )
        self._features: set[str] = set()
        self._outputs: set[str] = set()

    def feature(self, name: str, outside: int, missing: int) -> None:
        """Count values of a feature."""
        label = _bounded(name, self._features, _MAX_FEATURES)
        # Also for none: a series that begins with its first count is one that `rate` does not see.
        self._outside.labels(self._model, label).inc(outside)
        self._missing.labels(self._model, label).inc(missing)

    def output(self, slot: str, name: str, counts: Sequence[int], total: float) -> None:
        """Add the values of an output: how many are in each bucket, and their sum."""
        label = _bounded(name, self._outputs, _MAX_OUTPUTS)
        self._values.add((self._model, slot, label), counts, total)


def _bounded(name: str, known: set[str], limit: int) -> str:
    if name not in known:
        if len(known) >= limit:
            return OTHER
        known.add(name)
    return name
