"""Metrics of delivering the prediction log, by Prometheus conventions.

Owns names and labels; label values are the tables.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge

from contracts.metrics import (
    LOG_DELAY_SECONDS,
    LOG_FAILURES,
    LOG_PENDING_BYTES,
    LOG_SHIPPED,
    LOG_TORN,
)
from serving.agent.delivery.tables import FEEDBACK, PREDICTIONS


class LogMetrics:
    """Metrics of shipping the journal."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them in `registry`."""
        self.shipped = Counter(
            LOG_SHIPPED,
            "Rows written to the log's tables.",
            ["table"],
            registry=registry,
        )
        self.failures = Counter(
            LOG_FAILURES,
            "Writes and upkeep of a table that its store did not take.",
            ["table"],
            registry=registry,
        )
        for table in (PREDICTIONS, FEEDBACK):
            self.shipped.labels(table)
            self.failures.labels(table)
        self.torn = Counter(
            LOG_TORN,
            "Pieces of the journal that could not be read, such as the last of a killed writer.",
            registry=registry,
        )
        self.pending = Gauge(
            LOG_PENDING_BYTES,
            "What waits in the journal for the tables.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.delay = Gauge(
            LOG_DELAY_SECONDS,
            "Age of the oldest record that waits for its table, or time since the store refuses.",
            registry=registry,
            multiprocess_mode="livemax",
        )
