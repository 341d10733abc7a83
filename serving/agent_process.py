"""Supervises the agent beside the workers.

Owns its process: start, restart with growing pauses, end. What the agent does is its own business;
requests are answered with and without it.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from serving import logs
from serving.rollout.backoff import Pauses

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 30.0
_STEADY_SECONDS = 60.0
"""After an agent lived this long, pauses begin with the first again."""
_END_SECONDS = 3.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class AgentProcess:
    """One agent process, started anew whenever it ends."""

    def __init__(self, argv: list[str]) -> None:
        """Supervise the process that `argv` starts; nothing is started yet."""
        self._argv = argv
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="agent-process", daemon=True)

    def start(self) -> None:
        """Start the agent, and keep it running."""
        # A worker forked in the middle of the agent's start would inherit its pipes and stall it.
        os.register_at_fork(
            before=self._changing.acquire,
            after_in_parent=self._changing.release,
            after_in_child=self._changing.release,
        )
        self._thread.start()

    def stop(self) -> None:
        """End the agent by SIGTERM, by SIGKILL when it takes too long."""
        with self._changing:
            self._stopping.set()
            if self._process is not None:
                self._process.terminate()
        self._thread.join(_END_SECONDS)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()
            self._thread.join()

    def _run(self) -> None:
        # The signals are the main thread's to handle.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pauses = Pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
        while not self._stopping.is_set():
            begin = time.monotonic()
            code = self._live()
            if self._stopping.is_set():
                return
            if time.monotonic() - begin > _STEADY_SECONDS:
                pauses.reset()
            pause = pauses.failed()
            logs.warning("agent_ended", code=code, restart_seconds=pause)
            self._stopping.wait(pause)

    def _live(self) -> int | str:
        """Start the agent and wait for its end; its exit code, or why it cannot be started."""
        try:
            with self._changing:
                if self._stopping.is_set():
                    return 0
                self._process = subprocess.Popen(self._argv)
        except OSError as error:
            return str(error)
        return self._process.wait()


@contextlib.contextmanager
def supervise(config: Path) -> Iterator[None]:
    """Keep an agent with this configuration file running while the body runs."""
    parent = str(os.getpid())
    module = ["-P", "-m", "serving.agent"]
    argv = [sys.executable, *module, "--config", str(config), "--parent", parent]
    agent = AgentProcess(argv)
    agent.start()
    try:
        yield
    finally:
        agent.stop()
