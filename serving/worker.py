"""The parts of one worker process.

Owns the wiring: metrics, guards, engine, transports and loader of one worker, and its end when the
main process is gone. The only place of the worker that chooses implementations.
"""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from serving.config import DRAIN_SECONDS, Config, journal_folder
from serving.explanation.explainer import Explainer
from serving.http.app import App, Lifecycle
from serving.inference.engine import Engine
from serving.metrics.server import Metrics
from serving.middleware.admission import Admission
from serving.middleware.api_keys import ApiKeys
from serving.middleware.draining import Draining
from serving.middleware.guards import Guards
from serving.models.slots import Placement
from serving.prediction_log.journal import Journal
from serving.rollout.cache import Cache
from serving.rollout.loader import Loader


def build(config: Config, draining: Draining) -> App:
    """The application of one worker, ready for Granian."""
    end_with_parent()
    registry = CollectorRegistry()
    metrics = Metrics(config.model, registry)
    admission = Admission(config.limits.max_concurrency, config.limits.max_seconds)
    guards = Guards(ApiKeys(config.api_keys), admission, draining, metrics)
    placement = Placement()
    journal = journal_of(config)
    engine = Engine(
        config,
        placement=placement,
        metrics=metrics,
        explainer=Explainer(config.model, config.explanations, registry),
        log=journal,
        admission=admission,
    )
    parts: list[Lifecycle] = [metrics, engine, guards]
    if config.grpc_port is not None:
        parts.append(grpc_server(config, config.grpc_port, engine, guards, registry))
    parts.append(Loader(config, Cache(Path(config.cache_dir)), placement, metrics.models))
    return App(config, engine, metrics, guards, journal, parts)


def grpc_server(
    config: Config, port: int, engine: Engine, guards: Guards, registry: CollectorRegistry
) -> Lifecycle:
    """The gRPC server of one worker."""
    from serving.grpc.server import make  # noqa: PLC0415  # megabytes that HTTP alone does not need

    return make(config, port, engine, guards, registry)


def journal_of(config: Config) -> Journal | None:
    """This worker's part of the prediction log, where there is one."""
    if config.log is None:
        return None
    return Journal(journal_folder(config), config.log.journal_bytes)


def end_with_parent() -> None:
    """End this worker when its main process dies without a signal to it.

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
