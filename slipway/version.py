"""Which Slipway this is: the distribution's version, and the commit where it is a checkout."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version

from infra import programs
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
    commit = git("rev-parse", "--short=12", "HEAD")
    changed = commit and git("status", "--porcelain", "--untracked-files=no")
    return f"{commit}, changed" if changed else commit


def git(*arguments: str) -> str:
    """What git prints about the project; nothing where there is no git, or it refuses."""
    # A hook of git's names its own repository to all that it starts.
    elsewhere = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    env = {name: value for name, value in os.environ.items() if name not in elsewhere}
    try:
        done = programs.run(["git", "-C", str(ROOT), *arguments], env=env)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
