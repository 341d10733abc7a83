"""`python -m serving.agent --config FILE`: the work beside answering, until SIGTERM.

Owns the process: its tasks, each a thread, and its end. A task that crashes ends the process with
1, so that it is started again; the main process does that (see `serving.agent_process`).
"""

import argparse
import logging.config
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from serving import logs
from serving.agent.wiring import Task, tasks
from serving.config import ConfigError, load

_WAKE_SECONDS = 0.2
_NICENESS = 10
"""Requests go first: the agent's work can wait, and is counted while it waits."""
_END_SECONDS = 2.0


def main() -> None:
    """Run the agent; ends the process with 0 at a signal, 1 after a crash, 2 for its arguments."""
    parser = argparse.ArgumentParser(prog="serving.agent", description="Slipway's serving agent.")
    parser.add_argument("--config", type=Path, required=True, help="the server's configuration")
    parser.add_argument("--parent", type=int, help="the process without which it ends")
    arguments = parser.parse_args()
    stopping = threading.Event()
    _take_signals(stopping, owned=arguments.parent is not None)
    try:
        config = load(arguments.config)
    except ConfigError as error:
        sys.stderr.write(f"serving.agent: {error}\n")
        raise SystemExit(2) from None
    logging.config.dictConfig(logs.CONFIG)
    os.nice(_NICENESS)
    logs.info("agent_started", model=config.model)
    crashed = _run(tasks(config), stopping, arguments.parent)
    logs.info("agent_stopped")
    # Not SystemExit: a thread that waits for a slow service must not hold the end.
    sys.stdout.flush()
    os._exit(1 if crashed else 0)


def _take_signals(stopping: threading.Event, *, owned: bool) -> None:
    """End at SIGTERM; at SIGINT too, unless a parent has it from the terminal."""
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN if owned else lambda *_: stopping.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))


def _run(work: Sequence[Task], stopping: threading.Event, parent: int | None) -> bool:
    """Run the tasks until a signal or the parent's end; whether one of them crashed."""
    crashed: list[Exception] = []

    def run(task: Task) -> None:
        try:
            task(stopping)
        except Exception as error:  # noqa: BLE001  # logged, and the process ends for it
            logs.failure("agent_crashed", error)
            crashed.append(error)
            stopping.set()

    threads = [threading.Thread(target=run, args=(task,), daemon=True) for task in work]
    for thread in threads:
        thread.start()
    # In steps, as Python handles a signal only when the main thread wakes.
    while not stopping.wait(_WAKE_SECONDS):
        if parent not in (None, os.getppid()):
            stopping.set()
    for thread in threads:
        thread.join(_END_SECONDS / len(threads))
    return bool(crashed)


if __name__ == "__main__":
    main()
