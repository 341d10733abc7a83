"""`python -m serving.agent --config FILE`: the work beside answering, until SIGTERM.

Owns the process: its parts, each a thread, and its end. A part that crashes ends the process with
1, so that whoever started it starts it anew; the main process does (see `serving.agent_process`).
"""

import argparse
import logging.config
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from serving import config as configs
from serving import logs
from serving.agent.wiring import parts
from serving.config import ConfigError

_LOOK_SECONDS = 0.2
_NICENESS = 10
"""Answers go first: what the agent does can wait, and is counted while it waits."""
_LAST_WORDS_SECONDS = 2.0

Part = Callable[[threading.Event], None]
"""One thread's work: it runs until the event is set."""


def main() -> None:
    """Run the agent; ends the process with 0 when told to, 1 after a crash, 2 for its arguments."""
    parser = argparse.ArgumentParser(prog="serving.agent", description="Slipway's serving agent.")
    parser.add_argument("--config", type=Path, required=True, help="the server's configuration")
    parser.add_argument("--parent", type=int, help="the process without which it ends")
    arguments = parser.parse_args()
    stopping = threading.Event()
    _take_signals(stopping, owned=arguments.parent is not None)
    try:
        config = configs.load(arguments.config)
    except ConfigError as error:
        sys.stderr.write(f"serving.agent: {error}\n")
        raise SystemExit(2) from None
    logging.config.dictConfig(logs.CONFIG)
    os.nice(_NICENESS)
    logs.info("agent_started", model=config.model)
    crashed = _run(parts(config), stopping, arguments.parent)
    logs.info("agent_stopped")
    # Not SystemExit: a thread that waits for a slow service must not hold the end.
    sys.stdout.flush()
    os._exit(1 if crashed else 0)


def _take_signals(stopping: threading.Event, *, owned: bool) -> None:
    """End at SIGTERM; at SIGINT too unless a parent decides, who has it from the terminal."""
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN if owned else lambda *_: stopping.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))


def _run(work: Sequence[Part], stopping: threading.Event, parent: int | None) -> bool:
    """Run the parts until told to stop or the parent is gone; whether one of them crashed."""
    crashed: list[Exception] = []

    def run(part: Part) -> None:
        try:
            part(stopping)
        except Exception as error:  # noqa: BLE001  # logged, and the process ends for it
            logs.failure("agent_crashed", error)
            crashed.append(error)
            stopping.set()

    threads = [threading.Thread(target=run, args=(part,), daemon=True) for part in work]
    for thread in threads:
        thread.start()
    # In steps, as Python handles a signal only when the main thread wakes.
    while not stopping.wait(_LOOK_SECONDS):
        if parent not in (None, os.getppid()):
            stopping.set()
    for thread in threads:
        thread.join(_LAST_WORDS_SECONDS / len(threads))
    return bool(crashed)


if __name__ == "__main__":
    main()
