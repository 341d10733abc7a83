"""What the agent is made of.

Owns the wiring: clients, cache and parts. The only place of the agent that chooses
implementations.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry

from serving.agent.follower import Follower
from serving.agent.log_metrics import LogMetrics
from serving.agent.metrics import AgentMetrics
from serving.agent.observing import Observer, references
from serving.agent.observing_metrics import ObservingMetrics
from serving.agent.registry import Registry
from serving.agent.shipping import Shipper
from serving.agent.tracking import Mlflow
from serving.agent.trial import Trial
from serving.agent.trust import Trust
from serving.cache import Cache
from serving.config import Config, PredictionLog, journal_folder

_TIMEOUT = httpx.Timeout(10.0, connect=2.0)


def parts(config: Config) -> list[Callable[[threading.Event], None]]:
    """The agent's threads, as functions that run until an event is set."""
    follower = _follower(config)
    if config.log is None:
        return [follower.run]
    return [follower.run, _shipper(config, config.log).run]


def _shipper(config: Config, log: PredictionLog) -> Shipper:
    own = CollectorRegistry()
    observer = Observer(
        references(Cache(Path(config.cache_dir))), ObservingMetrics(config.model, own)
    )
    return Shipper(
        journal=journal_folder(config),
        log=log,
        metrics=LogMetrics(own),
        observe=observer.observe,
    )


def _follower(config: Config) -> Follower:
    # Its own services are asked, by address: a proxy of the environment would be a mistake.
    client = httpx.Client(timeout=_TIMEOUT, trust_env=False)
    cache = Cache(Path(config.cache_dir))
    trial = Trial(config.model, Registry(client, config.registry, cache), Trust(config))
    tracking = Mlflow(client, config.tracking_url, config.model)
    return Follower(config, tracking, trial, cache, AgentMetrics(config.model))
