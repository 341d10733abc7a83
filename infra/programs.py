"""Runs other programs to their end: what they print, and their last word where they fail."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    stdin: str = "",
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with its outputs as text, whatever bytes they are.

    Raises:
        OSError: it cannot be started.
        subprocess.TimeoutExpired: it does not end in `timeout` seconds; it is killed.
    """
    return subprocess.run(
        command,
        env=env,
        cwd=cwd,
        input=stdin,
        timeout=timeout,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def last_line(text: str, beginning: str = "") -> str:
    """The last line that is not blank, of those with that beginning if there are any."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    preferred = [line for line in lines if line.startswith(beginning)]
    return (preferred or lines or [""])[-1]
