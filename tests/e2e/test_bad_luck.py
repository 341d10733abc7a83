"""Bad input and bad luck: one clear line, an exit code, and nothing lost or left."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml

from infra.home import Home, stack_file
from infra.targets.processes import marker

pytestmark = [pytest.mark.e2e]

is_root = os.getuid() == 0 and sys.platform == "linux"


@contextmanager
def stack_settings(name: str, **changed: object) -> Iterator[str]:
    """A stack file of its own, beside the committed ones, for as long as a test needs it."""
    path = stack_file(name)
    config = {f"slipway:{key}": value for key, value in changed.items()}
    path.write_text(yaml.safe_dump({"config": config}))
    try:
        yield name
    finally:
        path.unlink()


@contextmanager
def small_disk(path: Path, size: str = "2m") -> Iterator[Path]:
    """A file system of its own at `path`."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def wait_until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


def test_a_wrong_setting_touches_nothing(cli) -> None:
    """The field, the rule and the fix; exit code 2; not a file is made."""
    with stack_settings("test-wrong", serving={"wokers": 1}) as name:
        done = cli("up", "--stack", name)

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "slipway: Pulumi.test-wrong.yaml: slipway:serving.wokers is no setting; known there:"
        " model, slots, workers, poll_seconds, grpc, max_body_bytes, max_rows, max_seconds,"
        " max_concurrency, max_explained, log_requests, log, signing, api_keys, api_key_hashes\n"
    )
    assert not cli.home.path.exists()


def test_a_stack_on_a_cluster_is_not_taken_for_one_of_processes(cli) -> None:
    """It is looked for where its settings say, and nothing stands up on this machine."""
    target = {"kind": "existing", "context": "somewhere", "kubeconfig": "/nowhere/kubeconfig"}
    with stack_settings("test-cluster", target=target) as name:
        done = cli("up", "--stack", name)

    assert (done.code, done.out) == (1, "Cluster\n")
    assert "/nowhere/kubeconfig" in done.err
    assert len(done.err.splitlines()) == 1
    assert not cli.home.path.exists()


def test_an_unknown_stack_names_those_there_are(cli) -> None:
    """Exit code 2, and what would have been right."""
    done = cli("status", "--stack", "nowhere")

    assert done.code == 2
    assert "there is no stack file Pulumi.nowhere.yaml; stacks here: existing, kind," in done.err


def test_a_stack_that_is_not_up_has_its_own_exit_code(cli) -> None:
    """A script can tell it from a failure."""
    done = cli("status")

    assert done.code == 5
    home = re.escape(str(cli.home.path))
    line = (
        rf"slipway: stack {cli.stack} is not up: run"
        rf" `SLIPWAY_HOME={home} (\S*/)?slipway up --stack {cli.stack}`\n"
    )
    assert re.fullmatch(line, done.err), done.err


def test_a_taken_port_is_named_with_its_holder_and_nothing_is_started(brief) -> None:
    """Which port, by which process; no process, no resource."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        target = {"kind": "processes", "ports": {"serving": port}}
        with stack_settings("test-port", target=target) as name:
            done = brief("up", "--stack", name)
            gone = brief("down", "--yes", "--stack", name)

    assert done.code == 1
    assert f"port {port} of serving/http is taken by" in done.err
    assert f"(pid {os.getpid()})" in done.err
    assert "Traceback" not in done.err
    assert list(marker.processes(brief.home.stack("test-port").path)) == []
    assert gone.code == 0, gone.err


def test_a_missing_tool_names_the_ways_to_get_it(cli, tmp_path: Path, monkeypatch) -> None:
    """No network, no Go, an empty cache: what is missing and three ways, in one line."""
    empty = tmp_path / "bin"
    empty.mkdir()
    (empty / "sh").symlink_to(shutil.which("sh"))
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    bare = type(cli)(Home(cli.home.path, tmp_path / "no-tools"))

    done = bare("tools", "install")

    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    for way in ("PATH", "Go"):
        assert way in done.err


def test_the_second_of_two_ups_says_who_is_first(brief) -> None:
    """Exit code 4, the holder's pid, and nothing changed."""
    first = brief.start("up", "--no-train")
    wait_until(lambda: list(brief.home.path.glob("locks/*.lock")))
    try:
        second = brief("up", "--no-train")
    finally:
        out, err = first.communicate(timeout=200)

    assert second.code == 4
    assert f"stack {brief.stack} is locked by slipway's up (pid {first.pid}" in second.err
    assert "nothing was changed" in second.err
    assert first.returncode == 0, out + err


@pytest.mark.parametrize("whole_group", [True, False], ids=["with its children", "alone"])
def test_an_up_that_was_killed_is_finished_by_the_next(brief, *, whole_group: bool) -> None:
    """SIGKILL in the middle of creating: the next `up` converges, and no orphan is left."""
    stack = brief.folder
    killed = brief.start("up", "--no-train")
    wait_until(lambda: list(stack.supervisor.glob("programs/*.ini")))
    os.killpg(killed.pid, signal.SIGKILL) if whole_group else killed.kill()
    killed.communicate()

    done = brief("up", "--no-train", "--json")

    assert done.code == 0, done.err
    states = {service["name"]: service["state"] for service in done.json["services"]}
    # It has no model yet, and says so: a load balancer would send it nothing.
    assert states.pop("serving") == "not ready"
    assert set(states.values()) == {"up"}
    assert _twins(stack.path) == []
    shown = brief("status")
    assert (shown.code, "It has no model yet" in shown.out) == (1, True)


def test_an_interrupted_up_says_so_in_one_line(brief) -> None:
    """Ctrl-C: exit code 130, no traceback, and what to do."""
    stack = brief.folder
    running = brief.start("up", "--no-train")
    wait_until(lambda: list(stack.supervisor.glob("programs/*.ini")))

    os.killpg(running.pid, signal.SIGINT)

    _, err = running.communicate(timeout=100)
    assert running.returncode == 130
    assert err == "slipway: interrupted; run the same command again to go on\n"


def test_an_up_that_was_killed_at_once_is_finished_by_the_next(brief) -> None:
    """Even before Pulumi has written any state."""
    killed = brief.start("up", "--no-train")
    wait_until(lambda: list(brief.home.path.glob("locks/*.lock")))
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()

    assert brief("down", "--yes").code == 0
    assert [path for path in brief.home.path.rglob("*") if path.is_file()] == []


@pytest.mark.skipif(not is_root, reason="mounting a small disk needs root on Linux")
def test_a_full_disk_is_said_and_loses_nothing(cli, tmp_path: Path) -> None:
    """A clear error; what was there before is still there."""
    with small_disk(tmp_path / "disk", "64k") as disk:
        kept = disk / "kept"
        kept.write_text("precious")
        (disk / "filler").write_bytes(b"x" * (shutil.disk_usage(disk).free - 4096))
        done = type(cli)(Home(disk / "home", cli.home.tools))("up", "--no-train")
        assert kept.read_text() == "precious"

    assert done.code == 1
    assert "No space left on device" in done.err
    assert "Traceback" not in done.err


@pytest.mark.skipif(not is_root, reason="mounting a small disk needs root on Linux")
def test_a_read_only_state_folder_is_said(cli, tmp_path: Path) -> None:
    """A clear error with the remedy."""
    with small_disk(tmp_path / "disk") as disk:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        done = type(cli)(Home(disk / "home", cli.home.tools))("up", "--no-train")

    assert done.code == 1
    assert "Read-only file system" in done.err
    assert "SLIPWAY_HOME" in done.err
    assert "Traceback" not in done.err


def _twins(stack: Path) -> list[list[str]]:
    """Command lines that run twice."""
    lines = [process.cmdline() for process in marker.processes(stack)]
    parents = {p.pid for p in marker.processes(stack)}
    top = [
        process.cmdline()
        for process in marker.processes(stack)
        if process.ppid() not in parents or _is_supervisord(psutil.Process(process.ppid()))
    ]
    assert len(lines) >= len(top)
    return [line for line in top if top.count(line) > 1]


def _is_supervisord(process: psutil.Process) -> bool:
    return "supervisor.supervisord" in process.cmdline()
