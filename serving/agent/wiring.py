"""What the agent is made of.

Owns the wiring: clients, cache and parts. The only place of the agent that chooses
implementations.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import httpx

from serving.agent.drift.metrics import ObservingMetrics
from serving.agent.drift.observer import Observer, references
from serving.agent.prediction_log import shipper
from serving.agent.releases.follower import Follower
from serving.agent.releases.metrics import AgentMetrics
from serving.agent.releases.mlflow import Mlflow
from serving.agent.releases.oci import Registry
from serving.agent.releases.signatures import Trust
from serving.agent.releases.validation import Trial
from serving.agent.shadow.model import ShadowModel
from serving.config import Config
from serving.metrics.models import Shown
from serving.models.slots import Slot
from serving.rollout.cache import Cache

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
        Shown(own),
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
