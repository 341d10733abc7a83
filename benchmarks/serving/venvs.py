"""An environment for each peer, apart from the project's own: its pins are its own business.

They are made once from the pinned requirements in `peers/`, by uv, beside the tool cache; what
changed is made anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.home import Home
from slipway.toolchain import bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable

_PINS = Path(__file__).parent / "peers"
_LAST_LINES = 300


class PeerError(Exception):
    """A peer cannot be installed here; the message says which and why."""


def python_of(peer: str, tell: Callable[[str], None]) -> str:
    """The interpreter of the peer's environment, which is made if it is not there.

    Raises:
        PeerError: uv is not there, or does not bring it.
    """
    pins = _PINS / f"{peer}.txt"
    mark = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = Home.of_environment().path / "benchmarks" / f"{peer}-{mark}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        tell(f"bringing {peer} (once)")
        _run(peer, "venv", "--python", sys.executable, "--clear", str(folder))
        _run(peer, "pip", "sync", "--compile-bytecode", "--python", str(python), str(pins))
        (folder / "ready").touch()
    return str(python)


def _run(peer: str, *arguments: str) -> None:
    done = subprocess.run(
        [_uv(), *arguments, "--quiet"],
        env=bootstrap.uv_environment(os.environ, bootstrap.pip_settings(os.environ)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PeerError(f"{peer} is left out: uv says {done.stderr.strip()[-_LAST_LINES:]!r}")


def _uv() -> str:
    own = Home.of_environment().tools / "uv" / "bin" / "uv"
    found = shutil.which("uv") or (str(own) if own.exists() else None)
    if found is None:
        raise PeerError("peers are left out: uv is neither on PATH nor in the toolchain (make env)")
    return found
