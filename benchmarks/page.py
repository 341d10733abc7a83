"""docs/benchmarks.md: a head, and a part for each measurement, replaced one at a time."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
from pathlib import Path
from typing import Final

import psutil

from infra.files import write_atomically

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
_PART = re.compile(r"(?m)^(?=## )")


def head() -> str:
    """What stands above all parts: when, and on what machine."""
    memory = psutil.virtual_memory().total / 2**30
    return f"""\
# Benchmarks

Made by `make bench` on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}: {platform.system()} on
{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()},
tools warm. Times are of one run on a shared machine: the ratios within a table say more than any
single figure.
"""


def with_head(page: str, text: str) -> str:
    """The page with another head."""
    return "\n\n".join([text.rstrip(), *(part.rstrip() for part in _PART.split(page)[1:])]) + "\n"


def with_part(page: str, part: str) -> str:
    """The page with a part in the place of the one with its title, or at the end."""
    title = part.partition("\n")[0]
    parts = [each.rstrip() for each in _PART.split(page)]
    if not any(each.startswith(title) for each in parts):
        parts.append(title)
    return "\n\n".join(part.rstrip() if each.startswith(title) else each for each in parts) + "\n"


def save(text: str, path: Path = PAGE) -> None:
    """Write the page, whole or not at all."""
    write_atomically(path, text)
    path.chmod(0o644)
