"""`python -m serving --config FILE`: one model server on one port, until SIGTERM.

Owns the main process: arguments, configuration, the port, and Granian, which forks the workers.
It imports nothing heavy, so that it starts fast and the workers' memory is counted once.
Exit codes: 0 stopped, 1 port, cache folder or worker failure, 2 arguments or configuration.
"""

import argparse
import logging.config
import os
import shutil
import signal
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.mp import MPServer

from serving import logs
from serving.agent_process import supervise
from serving.config import DRAIN_SECONDS, Config, ConfigError, load
from serving.middleware.draining import Draining

_PORT_SECONDS = 1.0
"""Seconds that workers of a killed server may take to leave the port."""

_MIN_CONNECTIONS = 1024
_CONNECTIONS_PER_REQUEST = 4


class StartError(Exception):
    """The server cannot start; the message is the one line a person needs."""


def load_app(config: Config, draining: Draining) -> Any:
    """Make the application; called by Granian in each worker."""
    from serving.worker import build  # noqa: PLC0415  # heavy, and for workers only

    return build(config, draining)


class DrainingServer(MPServer):
    """Granian, but it drains its workers for some time before it stops them."""

    def drain_with(self, draining: Draining, seconds: float) -> None:
        """Begin `draining` so many seconds before the end."""
        self._draining = draining
        self._notice = seconds

    def shutdown(self, exit_code: int = 0) -> None:
        """Give notice, then stop; called by Granian after a signal. A second one cuts it short."""
        self._draining.begin()
        if self._notice and self.interrupt_signal:
            logs.info("server_draining", seconds=self._notice)
            self.main_loop_interrupt.clear()
            self.main_loop_interrupt.wait(self._notice)
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]  # left untyped there


def check_port(host: str, port: int, timeout: float = _PORT_SECONDS) -> None:
    """Make sure that no other process listens there.

    Workers bind with SO_REUSEPORT, which would let two servers share a port in silence.

    Raises:
        StartError: the address is taken, or not this machine's.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            if time.monotonic() > deadline:
                raise StartError(f"cannot listen on {host}:{port}: {error.strerror}") from error
            time.sleep(0.02)
        else:
            return


def prepare_folder(config: Config) -> None:
    """Make the cache folder, and the one that the metrics of all processes share.

    Raises:
        StartError: the folder cannot be made or written.
    """
    root = Path(config.cache_dir)
    metrics = root / "metrics"
    try:
        root.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir()
    except OSError as error:
        raise StartError(f"cache_dir {root} cannot be written: {error.strerror}") from error
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)


_ENDING = (signal.SIGTERM, signal.SIGINT)


def hold_signals() -> None:
    """Let SIGTERM and SIGINT wait while a worker is forked: none may meet half a process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def release_signals() -> None:
    """Deliver the signals that waited."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def default_signals() -> None:
    """Let SIGTERM and SIGINT end a worker until it handles them itself.

    A forked worker begins with the main process's handlers, which would swallow them.
    """
    for number in _ENDING:
        signal.signal(number, signal.SIG_DFL)
    release_signals()


def guard_forks() -> None:
    """Make sure that each worker is ended by a SIGTERM from its first moment on."""
    os.register_at_fork(
        before=hold_signals, after_in_parent=release_signals, after_in_child=default_signals
    )


def serve(config: Config, path: Path) -> None:
    """Serve until SIGTERM or SIGINT, the agent beside; requests in flight are answered first.

    Args:
        config: the configuration.
        path: its file, for the agent.

    Raises:
        SystemExit: 1, when workers die again and again.
    """
    draining = Draining()
    connections = max(_MIN_CONNECTIONS, _CONNECTIONS_PER_REQUEST * config.limits.max_concurrency)
    server = DrainingServer(
        "serving.worker",
        address=config.host,
        port=config.port,
        interface=Interfaces.RSGI,
        workers=config.workers,
        http=HTTPModes.http1,
        websockets=False,
        log_dictconfig=logs.CONFIG,
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_SECONDS,
        backpressure=connections,
        http1_settings=HTTP1Settings(header_read_timeout=round(config.idle_seconds * 1000)),
    )
    server.drain_with(draining, config.notice_seconds)
    guard_forks()
    with supervise(path):
        server.serve(target_loader=partial(load_app, config, draining), wrap_loader=False)


def main() -> None:
    """Run the server; ends the process with one of the exit codes above."""
    parser = argparse.ArgumentParser(prog="serving", description="Slipway's model server.")
    parser.add_argument("--config", type=Path, required=True, help="the JSON configuration")
    path = parser.parse_args().config
    try:
        config = load(path)
        logging.config.dictConfig(logs.CONFIG)
        for port in filter(None, (config.port, config.grpc_port)):
            check_port(config.host, port)
        prepare_folder(config)
    except ConfigError as error:
        sys.stderr.write(f"serving: {error}\n")
        raise SystemExit(2) from None
    except StartError as error:
        sys.stderr.write(f"serving: {error}\n")
        raise SystemExit(1) from None
    serve(config, path)


if __name__ == "__main__":
    main()
