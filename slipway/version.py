"""Which Slipway this is: the distribution's version, and the commit where it is a checkout."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version

from infra.home import ROOT

_DISTRIBUTION = "slipway"


def line() -> str:
    """One line, as `slipway 0.1.0 (1a2b3c4, changed)`."""
    try:
        number = version(_DISTRIBUTION)
    except PackageNotFoundError:
        number = "not installed"
    commit = _commit()
    return f"slipway {number} ({commit})" if commit else f"slipway {number}"


def _commit() -> str:
    """The commit that is checked out, and whether files differ from it; empty without git."""
    if not (ROOT / ".git").exists():  # a repository around it is another's
        return ""
    try:
        return _git("rev-parse", "--short=12", "HEAD") + (
            ", changed" if _git("status", "--porcelain", "--untracked-files=no") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
