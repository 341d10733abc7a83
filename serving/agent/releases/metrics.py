"""What the agent measures of following the model registry.

The workers expose it: all processes share the files of prometheus-client's multiprocess mode.
"""

from prometheus_client import CollectorRegistry, Counter

from serving.metrics.models import Refusals


class AgentMetrics:
    """The follower's metrics, in a registry of the agent's own."""

    def __init__(self, model: str) -> None:
        """Make the metrics of one agent that looks after `model`."""
        self.own = CollectorRegistry()
        self.refusals = Refusals(model, self.own)
        self.poll_failures = Counter(
            "slipway_tracking_poll_failures",
            "Looks at the aliases that the model registry did not answer.",
            registry=self.own,
        )
