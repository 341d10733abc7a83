"""What is counted of the values that models take and give.

Labels are names of inputs and outputs, which requests can't make up: a record is of a request that
fitted its model. Models come and go while a process lives, so their number is bounded too.
"""

from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram

OTHER: Final = "(other)"
"""Stands for the names beyond the bound."""
_MOST_FEATURES = 512
_MOST_OUTPUTS = 32

_TWENTIETHS = tuple(number / 20 for number in range(1, 21))
_LARGE = tuple(step * 10.0**power for power in range(6) for step in (2, 5, 10))
_NEGATIVE = tuple(-(10.0**power) for power in range(6, -1, -1))
BUCKETS: Final = (*_NEGATIVE, 0.0, *_TWENTIETHS, *_LARGE)
"""Twentieths for probabilities and 2, 5, 10... for other numbers: one set for all models, as
bounds that changed with the model could not be compared across a swap."""


class ObservingMetrics:
    """The observer's metrics of one registered model."""

    def __init__(self, model: str, own: CollectorRegistry) -> None:
        """Make them in the registry `own`; all of the agent's are shared by files."""
        self._model = model
        labels = ["model", "feature"]
        self._outside = Counter(
            "slipway_feature_out_of_range",
            "Values beyond the training rows' range, or of none of their categories.",
            labels,
            registry=own,
        )
        self._missing = Counter(
            "slipway_feature_missing", "Values that were missing.", labels, registry=own
        )
        self._values = Histogram(
            "slipway_prediction_value",
            "Values predicted.",
            ["model", "slot", "output"],
            buckets=BUCKETS,
            registry=own,
        )
        self._features: set[str] = set()
        self._outputs: set[str] = set()

    def feature(self, name: str, outside: int, missing: int) -> None:
        """Count values of a feature."""
        label = _bounded(name, self._features, _MOST_FEATURES)
        # Also for none: a series that begins with its first count is one that `rate` does not see.
        self._outside.labels(self._model, label).inc(outside)
        self._missing.labels(self._model, label).inc(missing)

    def values(self, slot: str, output: str) -> Any:
        """The histogram of an output."""
        label = _bounded(output, self._outputs, _MOST_OUTPUTS)
        return self._values.labels(self._model, slot, label)


def _bounded(name: str, known: set[str], most: int) -> str:
    if name not in known:
        if len(known) >= most:
            return OTHER
        known.add(name)
    return name
