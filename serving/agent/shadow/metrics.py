"""Metrics of the shadow, by Prometheus conventions.

Owns names and labels; the label's value is the configured model.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram

from contracts.metrics import SHADOW_DIFFERENCE, SHADOW_PREDICTIONS, SHADOW_SKIPPED

_DIFFERENCES = (0.0, 1e-6, 1e-4, 1e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0, 100.0)


class ShadowMetrics:
    """Metrics of scoring the shadow."""

    def __init__(self, registry: CollectorRegistry, model: str) -> None:
        """Register them in `registry`, for the configured model."""
        self.predictions = Counter(
            SHADOW_PREDICTIONS,
            "Requests that the shadow scored too.",
            ["model"],
            registry=registry,
        ).labels(model)
        self.skipped = Counter(
            SHADOW_SKIPPED,
            "Requests that the shadow did not score: too much waits, or they do not fit it.",
            ["model"],
            registry=registry,
        ).labels(model)
        self.difference = Histogram(
            SHADOW_DIFFERENCE,
            "Distance of the shadow's numeric outputs from those that were answered.",
            ["model"],
            buckets=_DIFFERENCES,
            registry=registry,
        ).labels(model)
