"""Granian as Slipway runs it: HTTP/1, RSGI, uvloop, a number of workers, nothing else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from granian.constants import HTTPModes, Interfaces
from granian.server import Server

from benchmarks.serving.handlers import scoring

if TYPE_CHECKING:
    from collections.abc import Callable


def serve(load: Callable[[], Any]) -> None:
    """Serve the application that `load` makes in each worker, until SIGTERM."""
    logging.disable(logging.INFO)
    server = Server(
        "benchmarks",
        address="127.0.0.1",
        port=scoring.port(),
        interface=Interfaces.RSGI,
        workers=scoring.workers(),
        http=HTTPModes.http1,
        websockets=False,
    )
    server.serve(target_loader=load, wrap_loader=False)
