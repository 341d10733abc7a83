"""Metrics of following the model registry.

The workers expose it: all processes share the files of prometheus-client's multiprocess mode.
"""

from prometheus_client import CollectorRegistry, Counter

from contracts.metrics import POLL_FAILURES
from serving.metrics.models import RefusalMetrics


class ReleaseMetrics:
    """Metrics of following the model registry."""

    def __init__(self, model: str, registry: CollectorRegistry) -> None:
        """Register the metrics of one agent that follows `model`."""
        self.refusals = RefusalMetrics(model, registry)
        self.poll_failures = Counter(
            POLL_FAILURES,
            "Looks at the aliases that the model registry did not answer.",
            registry=registry,
        )
