"""Which cores a server and its client have, so that neither takes the other's.

Where a machine has one core, or its system no affinity, all run everywhere.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Split:
    """The cores of a server and of its client; none: any. `threads` are the client's."""

    server: frozenset[int] = frozenset()
    client: frozenset[int] = frozenset()
    threads: int = 1


def count() -> int:
    """How many cores there are for this process."""
    return len(_mine()) or os.cpu_count() or 1


def split(workers: int) -> Split:
    """One core for a server with one worker and the others for its client; else all for both."""
    mine = sorted(_mine())
    if workers > 1 or len(mine) < 2:  # noqa: PLR2004  # two parties
        return Split(threads=max(1, count() // 2))
    return Split(frozenset(mine[:1]), frozenset(mine[1:]))


@contextmanager
def only(cores: frozenset[int]) -> Iterator[None]:
    """What is started within runs on `cores` only; anywhere, where there are none."""
    if not cores:
        yield
        return
    before = _mine()
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _mine() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
