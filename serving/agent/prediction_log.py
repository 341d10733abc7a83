"""What the prediction log's part of the agent is made of.

Owns the wiring of shipping, shadow and metrics, and where the journal lies.
"""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from serving.agent.delivery.metrics import LogMetrics, ShadowMetrics
from serving.agent.delivery.shipper import Shipper
from serving.agent.shadow.scorer import Shadow
from serving.config import Config, journal_folder
from serving.models.model import Model
from serving.prediction_log.records import Prediction


def shipper(
    config: Config,
    registry: CollectorRegistry,
    *,
    shadow: Callable[[], Model | None],
    observe: Callable[[Sequence[Prediction]], None] | None = None,
) -> Shipper | None:
    """The log's part of the agent, or None where the configuration keeps no log.

    Args:
        config: the server's.
        registry: the agent's metrics.
        shadow: the model that the shadow's slot has right now, if any.
        observe: called with predictions that are in the table, the shadow's too; once for each.
    """
    if config.log is None:
        return None
    return Shipper(
        journal=journal_folder(config),
        log=config.log,
        metrics=LogMetrics(registry),
        observe=observe,
        # At most half of the time between two flushes, so that records do not pile up behind it.
        shadow=Shadow(shadow, ShadowMetrics(registry, config.model), config.log.flush_seconds / 2),
    )
