"""What one worker process is made of.

Owns the wiring: clients, cache, follower and application of one worker, and its end when the main
process is gone. The only place in this room that chooses implementations.
"""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import httpx

from serving.app import App
from serving.cache import Cache
from serving.config import DRAIN_SECONDS, Config
from serving.engine import Engine
from serving.follower import Follower
from serving.metrics import Metrics
from serving.registry import Registry
from serving.slots import Placement
from serving.tracking import Mlflow

_TIMEOUT = httpx.Timeout(10.0, connect=2.0)


def build(config: Config) -> App:
    """The application of one worker, ready for Granian."""
    end_with_parent()
    # Its own services are asked, by address: a proxy of the environment would be a mistake.
    client = httpx.Client(timeout=_TIMEOUT, trust_env=False)
    cache = Cache(Path(config.cache_dir), config.model, config.slots.champion)
    placement = Placement()
    metrics = Metrics(config.model)
    follower = Follower(
        name=config.model,
        alias=config.slots.champion,
        poll_seconds=config.poll_seconds,
        tracking=Mlflow(client, config.tracking_url, config.model, config.slots.champion),
        registry=Registry(client, config.registry, cache),
        cache=cache,
        slot=placement,
        metrics=metrics,
    )
    engine = Engine(config, placement, metrics, None)
    return App(config, engine, metrics, follower)


def end_with_parent() -> None:
    """End this worker when its main process dies without a word.

    Workers share their port with the next server on it, so one that outlived a killed main process
    would answer in its place, with an old model.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(DRAIN_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, name="end-with-parent", daemon=True).start()
