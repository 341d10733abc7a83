"""What one worker process is made of.

Owns the wiring: cache, loader and application of one worker, and its end when the main
process is gone. The only place in this room that chooses implementations.
"""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

from serving.config import DRAIN_SECONDS, Config, journal_folder
from serving.http.app import App, Transport
from serving.inference.engine import Engine
from serving.metrics.server import Metrics
from serving.middleware.admission import Admission
from serving.middleware.api_keys import Keys
from serving.middleware.draining import Draining
from serving.middleware.guards import Guards
from serving.models.slots import Placement
from serving.prediction_log.journal import Journal
from serving.rollout.cache import Cache
from serving.rollout.loader import Loader


def build(config: Config, draining: Draining) -> App:
    """The application of one worker, ready for Granian."""
    end_with_parent()
    placement = Placement()
    metrics = Metrics(config.model)
    loader = Loader(config, Cache(Path(config.cache_dir)), placement, metrics.models)
    journal = journal_of(config)
    admission = Admission(config.limits.max_concurrency, config.limits.max_seconds)
    guards = Guards(Keys(config.api_keys), admission, draining)
    engine = Engine(config, placement, metrics, journal, admission)
    rpc = rpc_of(config, engine, metrics, guards)
    return App(config, engine, metrics, loader, journal, guards, rpc)


def rpc_of(config: Config, engine: Engine, metrics: Metrics, guards: Guards) -> Transport | None:
    """This worker's gRPC server, where there is one."""
    if config.grpc_port is None:
        return None
    from serving.grpc.server import make  # noqa: PLC0415  # megabytes that HTTP alone does not need

    return make(config, config.grpc_port, engine, metrics, guards)


def journal_of(config: Config) -> Journal | None:
    """This worker's part of the prediction log, where there is one."""
    if config.log is None:
        return None
    return Journal(journal_folder(config), config.log.journal_bytes)


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
