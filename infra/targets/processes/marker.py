"""How a stack knows its own processes, whatever became of their parents.

Every process of a stack, and so every child of one, carries the id of the stack's folder in
its environment. What carries it but answers to no supervisor is an orphan.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from infra.targets.processes import identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.targets.processes.identity import Identity

VARIABLE = "SLIPWAY_PROCESS_OF"
_TERM_SECONDS = 5.0


def processes(stack: Path) -> Iterator[psutil.Process]:
    """The live processes of the stack whose folder is `stack`."""
    folder = Path(os.path.realpath(stack))
    known = identity.recorded(folder)
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(VARIABLE)
            if mark and _belongs(mark, Path(process.cwd()), folder, known):
                yield process
        except (psutil.Error, OSError):
            continue


def end_all(stack: Path) -> int:
    """End every process of the stack; their number."""
    return end(list(processes(stack)))


def end(processes: list[psutil.Process]) -> int:
    """End processes by SIGTERM, and those that stay by SIGKILL; their number."""
    for process in processes:
        _signal(process, kill=False)
    _, alive = psutil.wait_procs(processes, timeout=_TERM_SECONDS)
    for process in alive:
        _signal(process, kill=True)
    psutil.wait_procs(alive, timeout=_TERM_SECONDS)
    return len(processes)


def _belongs(mark: str, works_in: Path, folder: Path, known: Identity | None) -> bool:
    """Whether a process with `mark` that works in a folder is of the stack in `folder`.

    Where it works says so whatever was moved. A process that left the folder is known by its
    mark, unless the one with that id is another folder, from which this was copied.
    """
    if works_in.is_relative_to(folder):
        return True
    if os.path.isabs(mark):  # of a stack made before folders had ids  # noqa: PTH117
        return os.path.realpath(mark) == str(folder)
    if known is None or mark != known.id:
        return False
    return known.is_of(folder) or not (known.stands_elsewhere(folder) or works_in.exists())


def _signal(process: psutil.Process, *, kill: bool) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill() if kill else process.terminate()
