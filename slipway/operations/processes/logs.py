"""The logs of services and of pipeline runs, from their files."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from infra.errors import SlipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.home import StackDir

_POLL_SECONDS = 0.3


def log_file(stack: StackDir, service: str) -> Path:
    """The log of a service.

    Raises:
        SlipwayError: there is none of that name; names those there are.
    """
    path = stack.service(service) / "log" / f"{service}.log"
    if service == "supervisor":
        path = stack.supervisor / "supervisord.log"
    if not path.exists():
        known = sorted(p.parent.parent.name for p in stack.service("*").parent.glob("*/log/*.log"))
        raise SlipwayError(
            f"no log of {service!r}; there are {', '.join(['supervisor', *known])}"
            if known
            else "no logs: the stack is not up, run `slipway up`"
        )
    return path


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines of a log."""
    if count == 0:
        return []
    return path.read_text(errors="replace").splitlines()[-count:]


def follow(path: Path) -> Iterator[str]:
    """New lines of a log as they come, over rotations, until interrupted."""
    file = path.open(errors="replace")
    file.seek(0, 2)
    partial = ""
    while True:
        partial += file.readline()
        if partial.endswith("\n"):
            yield partial[:-1]
            partial = ""
        elif not partial:
            if path.exists() and path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file = path.open(errors="replace")
            time.sleep(_POLL_SECONDS)
