"""How a stack knows its own processes, whatever became of their parents.

Every process of a stack, and so every child of one, carries the stack's folder in its
environment. What carries it but answers to no supervisor is an orphan.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLE = "SLIPWAY_PROCESS_OF"
_TERM_SECONDS = 5.0


def processes(stack: Path) -> Iterator[psutil.Process]:
    """The live processes of the stack whose folder is `stack`."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(VARIABLE) == str(stack):
                yield process
        except (psutil.Error, OSError):
            continue


def end_all(stack: Path) -> int:
    """End every process of the stack; their number."""
    return end(list(processes(stack)))


def end(found: list[psutil.Process]) -> int:
    """End processes by SIGTERM, and those that stay by SIGKILL; their number."""
    for process in found:
        _signal(process, kill=False)
    _, alive = psutil.wait_procs(found, timeout=_TERM_SECONDS)
    for process in alive:
        _signal(process, kill=True)
    psutil.wait_procs(alive, timeout=_TERM_SECONDS)
    return len(found)


def _signal(process: psutil.Process, *, kill: bool) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill() if kill else process.terminate()
