"""What the prediction log's part of the agent is made of.

Owns the wiring of shipping, shadow and metrics.
"""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from serving.agent.log_metrics import LogMetrics, ShadowMetrics
from serving.agent.shadow import Shadow
from serving.agent.shipping import Shipper
from serving.config import Config, PredictionLog, journal_folder
from serving.model import Model
from serving.records import Prediction


def make(
    config: Config,
    log: PredictionLog,
    own: CollectorRegistry,
    *,
    shadow: Callable[[], Model | None],
    observe: Callable[[Sequence[Prediction]], None],
) -> Shipper:
    """The log's part of the agent.

    Args:
        config: the server's.
        log: where predictions are logged.
        own: the agent's metrics.
        shadow: the model that the shadow's slot has right now, if any.
        observe: called with predictions that are in the table now, the shadow's too.
    """
    # At most half of the time between two flushes, so that records do not pile up behind it.
    scored = Shadow(shadow, ShadowMetrics(own, config.model), log.flush_seconds / 2)
    return Shipper(
        journal=journal_folder(config),
        log=log,
        metrics=LogMetrics(own),
        observe=observe,
        shadow=scored,
    )
