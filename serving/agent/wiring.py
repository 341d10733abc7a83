"""The parts of the agent.

Owns the wiring: metrics, clients, cache and the tasks that share them, and where the journal lies.
The only place of the agent that chooses implementations.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry

from serving.agent.delivery.metrics import LogMetrics
from serving.agent.delivery.shipper import Shipper
from serving.agent.drift.metrics import DriftMetrics
from serving.agent.drift.observer import Observer, references
from serving.agent.releases.follower import AliasWatcher, Follower
from serving.agent.releases.metrics import ReleaseMetrics
from serving.agent.releases.mlflow import MlflowRegistry
from serving.agent.releases.oci import OciRegistry
from serving.agent.releases.signatures import SignatureVerifier
from serving.agent.releases.validation import ModelValidator, ReleaseTrial
from serving.agent.shadow.metrics import ShadowMetrics
from serving.agent.shadow.model import ShadowModel
from serving.agent.shadow.scorer import ShadowScorer
from serving.config import Config, PredictionLog, journal_folder
from serving.metrics.models import SlotMetrics
from serving.models.model import Model
from serving.models.slots import Slot
from serving.prediction_log.records import Prediction
from serving.rollout.cache import Cache
from serving.rollout.state import StateFile

_TIMEOUT = httpx.Timeout(10.0, connect=2.0)

Task = Callable[[threading.Event], None]
"""One thread's work: it runs until the event is set."""


def tasks(config: Config) -> list[Task]:
    """The agent's threads, as functions that run until an event is set."""
    registry = CollectorRegistry()
    metrics = ReleaseMetrics(config.model, registry)
    cache = Cache(Path(config.cache_dir))
    # The platform's own services have addresses: a proxy of the environment would be a mistake.
    client = httpx.Client(timeout=_TIMEOUT, trust_env=False)
    following = follower(config, client, cache, metrics)
    if config.log is None:
        return [following.run]
    shadow = ShadowModel(
        config.model,
        lambda: following.placed(Slot.SHADOW),
        cache,
        SlotMetrics(config.model, registry),
        metrics.refusals,
    )
    observer = Observer(references(cache), DriftMetrics(config.model, registry))
    shipping = shipper(config, config.log, registry, shadow=shadow, observe=observer.observe)
    return [following.run, shipping.run]


def follower(
    config: Config, client: httpx.Client, cache: Cache, metrics: ReleaseMetrics
) -> Follower:
    """The task that follows the model registry."""
    registry = OciRegistry(client, config.registry, cache)
    validator = ModelValidator(config.model, registry, SignatureVerifier(config))
    return Follower(
        config,
        aliases=AliasWatcher(
            MlflowRegistry(client, config.tracking_url, config.model), config.slots
        ),
        trial=ReleaseTrial(validator, metrics.refusals, 2 * config.poll_seconds),
        cache=cache,
        state=StateFile(config, cache),
        metrics=metrics,
    )


def shipper(
    config: Config,
    log: PredictionLog,
    registry: CollectorRegistry,
    *,
    shadow: Callable[[], Model | None],
    observe: Callable[[Sequence[Prediction]], None],
) -> Shipper:
    """The task that ships the prediction log.

    Args:
        config: the server's.
        log: where predictions are logged.
        registry: the agent's metrics.
        shadow: the model that the shadow's slot has right now, if any.
        observe: called with predictions that are in the table, the shadow's too; once for each.
    """
    # At most half of the time between two flushes, so that records do not pile up behind it.
    scorer = ShadowScorer(shadow, ShadowMetrics(registry, config.model), log.flush_seconds / 2)
    return Shipper(
        journal=journal_folder(config),
        log=log,
        metrics=LogMetrics(registry),
        observe=observe,
        shadow=scorer,
    )
