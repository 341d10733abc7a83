"""Which cores a server and its client have, so that neither takes the other's.

Where a machine has one core, or its system no affinity, all run everywhere.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ANY: frozenset[int] = frozenset()


def split() -> tuple[frozenset[int], frozenset[int]]:
    """A core for a server of one worker, and the others for its client."""
    mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (frozenset(mine[:1]), frozenset(mine[1:])) if len(mine) > 1 else (ANY, ANY)


@contextmanager
def only(cores: frozenset[int]) -> Iterator[None]:
    """What is started within runs on `cores` only; anywhere, where there are none."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
