"""The lock of a stack: one holder, named to the second, gone with its holder."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.errors import StackLockedError
from slipway.stack import lock

HOLDER = """
import sys, pathlib
from slipway.stack import lock
with lock.hold(pathlib.Path(sys.argv[1]), "local", "up"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    """Operation, pid and time; and that nothing was changed."""
    path = tmp_path / "local.lock"
    with holder(path) as first:
        with pytest.raises(StackLockedError) as caught, lock.hold(path, "local", "down"):
            pass
        first.communicate()

    assert re.fullmatch(
        rf"stack local is locked by slipway's up \(pid {first.pid}, since \d\d:\d\d:\d\d\):"
        r" wait for it, or end it; nothing was changed",
        str(caught.value),
    )


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    """SIGKILL needs no hand work afterwards."""
    path = tmp_path / "local.lock"
    with holder(path) as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()

    with lock.hold(path, "local", "up"):
        assert path.exists()


def test_a_released_lock_leaves_no_file(tmp_path: Path) -> None:
    """`down` leaves nothing behind."""
    with lock.hold(tmp_path / "local.lock", "local", "down"):
        pass

    assert list(tmp_path.iterdir()) == []
