"""What a worker measures of the prediction log, by Prometheus conventions.

Owns names and labels. What becomes of the records is measured by the agent.
"""

from prometheus_client import CollectorRegistry, Counter


class JournalMetrics:
    """Counters with their labels resolved, as they stand on every request's way."""

    def __init__(self, registry: CollectorRegistry, model: str) -> None:
        """Make them in `registry`, for the configured model."""
        records = Counter(
            "slipway_prediction_log_records",
            "Records kept in the journal, on their way to the log's tables.",
            ["kind"],
            registry=registry,
        )
        self.predictions = records.labels("prediction")
        self.labels = records.labels("label")
        self.dropped = Counter(
            "slipway_prediction_log_dropped",
            "Answered requests that were not logged: too much waits, or the disk refuses.",
            ["model"],
            registry=registry,
        ).labels(model)
