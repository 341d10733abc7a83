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

from serving.app import App
from serving.cache import Cache
from serving.config import DRAIN_SECONDS, Config
from serving.engine import Engine
from serving.loader import Loader
from serving.metrics import Metrics
from serving.slots import Placement


def build(config: Config) -> App:
    """The application of one worker, ready for Granian."""
    end_with_parent()
    placement = Placement()
    metrics = Metrics(config.model)
    loader = Loader(config, Cache(Path(config.cache_dir)), placement, metrics.models)
    return App(config, Engine(config, placement, metrics, None), metrics, loader)


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
