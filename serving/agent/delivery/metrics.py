"""What the agent measures of the prediction log and of the shadow, by Prometheus conventions.

Owns names and labels; label values are the tables' and the configured model's.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from serving.agent.delivery.tables import FEEDBACK, PREDICTIONS

_DIFFERENCES = (0.0, 1e-6, 1e-4, 1e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0, 100.0)


class LogMetrics:
    """Metrics of shipping the journal."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Make them in `registry`."""
        self.shipped = Counter(
            "slipway_prediction_log_shipped",
            "Rows written to the log's tables.",
            ["table"],
            registry=registry,
        )
        self.failures = Counter(
            "slipway_prediction_log_failures",
            "Writes and upkeep of a table that its store did not take.",
            ["table"],
            registry=registry,
        )
        for table in (PREDICTIONS, FEEDBACK):
            self.shipped.labels(table)
            self.failures.labels(table)
        self.torn = Counter(
            "slipway_prediction_log_torn",
            "Pieces of the journal that could not be read, such as the last of a killed writer.",
            registry=registry,
        )
        self.pending = Gauge(
            "slipway_prediction_log_pending_bytes",
            "What waits in the journal for the tables.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.delay = Gauge(
            "slipway_prediction_log_delay_seconds",
            "Age of the oldest record that waits for its table, or time since the store refuses.",
            registry=registry,
            multiprocess_mode="livemax",
        )


class ShadowMetrics:
    """Metrics of scoring the shadow."""

    def __init__(self, registry: CollectorRegistry, model: str) -> None:
        """Make them in `registry`, for the configured model."""
        self.predictions = Counter(
            "slipway_shadow_predictions",
            "Requests that the shadow scored too.",
            ["model"],
            registry=registry,
        ).labels(model)
        self.skipped = Counter(
            "slipway_shadow_skipped",
            "Requests that the shadow did not score: too much waits, or they do not fit it.",
            ["model"],
            registry=registry,
        ).labels(model)
        self.difference = Histogram(
            "slipway_shadow_difference",
            "Distance of the shadow's numeric outputs from those that were answered.",
            ["model"],
            buckets=_DIFFERENCES,
            registry=registry,
        ).labels(model)
