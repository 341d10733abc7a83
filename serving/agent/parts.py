"""What the agent is made of.

Owns the wiring: clients, cache and parts. The only place of the agent that chooses
implementations.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import httpx

from serving.agent.follower import Follower
from serving.agent.metrics import AgentMetrics
from serving.agent.observing import Observer, references
from serving.agent.observing_metrics import ObservingMetrics
from serving.agent.prediction_log import shipper
from serving.agent.registry import Registry
from serving.agent.shadow_model import ShadowModel
from serving.agent.tracking import Mlflow
from serving.agent.trial import Trial
from serving.agent.trust import Trust
from serving.cache import Cache
from serving.config import Config
from serving.model_metrics import Shown
from serving.slots import Slot

_TIMEOUT = httpx.Timeout(10.0, connect=2.0)


def parts(config: Config) -> list[Callable[[threading.Event], None]]:
    """The agent's threads, as functions that run until an event is set."""
    metrics = AgentMetrics(config.model)
    cache = Cache(Path(config.cache_dir))
    follower = _follower(config, cache, metrics)
    own = metrics.own
    shadow = ShadowModel(
        config.model,
        lambda: follower.placed(Slot.SHADOW),
        cache,
        Shown(config.model, own),
        metrics.refusals,
    )
    observer = Observer(references(cache), ObservingMetrics(config.model, own))
    shipping = shipper(config, own, shadow=shadow, observe=observer.observe)
    return [follower.run] if shipping is None else [follower.run, shipping.run]


def _follower(config: Config, cache: Cache, metrics: AgentMetrics) -> Follower:
    # Its own services are asked, by address: a proxy of the environment would be a mistake.
    client = httpx.Client(timeout=_TIMEOUT, trust_env=False)
    trial = Trial(config.model, Registry(client, config.registry, cache), Trust(config))
    tracking = Mlflow(client, config.tracking_url, config.model)
    return Follower(config, tracking, trial, cache, metrics)
