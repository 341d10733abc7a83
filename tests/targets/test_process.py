"""One supervised process, for real: made, changed, watched, ended."""

import os
import resource
import shutil
import signal
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from infra.errors import ServiceFailedError
from infra.home import StackDir
from infra.targets.processes import health, history, marker, process, supervisor
from infra.targets.processes.process import Spec

MakeSpec = Callable[..., Spec]


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


def pid_of(spec: Spec) -> int:
    seen = supervisor.state(spec.stack_dir, spec.name)
    assert seen is not None
    return seen.pid


def test_a_process_runs_with_its_environment_files_and_folders(
    stack: StackDir, make_spec: MakeSpec
) -> None:
    """What the spec says is what the process finds, to the letter."""
    spec = make_spec()
    supervisor.start(stack)

    process.run(spec)

    running = psutil.Process(pid_of(spec))
    assert health.answers(spec.address, "/")
    assert running.cmdline() == spec.argv
    assert running.environ()["GREETING"] == 'a "quoted" 100% text'
    assert (spec.folder / "config" / "web.conf").read_text() == "one\n"
    assert (spec.folder / "data" / "inner").is_dir()


def test_nothing_of_the_shell_leaks_into_a_process(
    stack: StackDir, make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service does not depend on, nor see, what the user has in the environment."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "hush")
    supervisor.start(stack)
    spec = make_spec()

    process.run(spec)

    assert "PULUMI_CONFIG_PASSPHRASE" not in psutil.Process(pid_of(spec)).environ()


def test_what_may_hold_secrets_is_for_its_owner_only(stack: StackDir, make_spec: MakeSpec) -> None:
    """No file or folder of a service can be read by others."""
    supervisor.start(stack)
    spec = make_spec()
    process.run(spec)

    modes = {
        path: stat.S_IMODE(path.stat().st_mode) & 0o077
        for path in [spec.folder, *spec.folder.rglob("*"), *stack.supervisor.rglob("*")]
    }

    assert {path: mode for path, mode in modes.items() if mode} == {}


def test_a_killed_process_is_back_and_its_end_is_remembered(
    stack: StackDir, make_spec: MakeSpec
) -> None:
    """SIGKILL costs a restart, which `history` shows with its cause."""
    supervisor.start(stack)
    spec = make_spec()
    process.run(spec)
    first = pid_of(spec)

    os.kill(first, signal.SIGKILL)

    wait_until(lambda: pid_of(spec) not in {0, first})
    wait_until(lambda: health.answers(spec.address, "/"))
    assert [end.how for end in history.exits(stack, "web")] == [
        "terminated by SIGKILL; not expected"
    ]


def test_a_process_that_ends_at_once_fails_with_its_last_words(
    stack: StackDir, make_spec: MakeSpec
) -> None:
    """The error carries what the process said; nothing of it is left running."""
    supervisor.start(stack)
    spec = make_spec(argv=[sys.executable, "-c", "raise SystemExit('no such database')"])

    with pytest.raises(ServiceFailedError, match=r"it ends as soon as it starts.*no such database"):
        process.run(spec)

    assert supervisor.states(stack) == {}
    assert list(stack.supervisor.glob("programs/*")) == []


def test_a_process_that_never_answers_fails_in_time(stack: StackDir, make_spec: MakeSpec) -> None:
    """The wait for health is bounded, and says what was waited for."""
    supervisor.start(stack)
    spec = make_spec(argv=[sys.executable, "-c", "import time; time.sleep(600)"], health_seconds=1)

    with pytest.raises(ServiceFailedError, match=r"web did not come up: no answer at .*/ in 1 s"):
        process.run(spec)

    assert list(marker.processes(stack.path)) == [_supervisord(stack)]


def test_somebody_else_on_the_port_is_not_taken_for_the_service(
    stack: StackDir, make_spec: MakeSpec, free_port: int
) -> None:
    """He answers in its place; the error says who it is."""
    supervisor.start(stack)
    with socket.create_server(("127.0.0.1", free_port)):
        spec = make_spec(
            argv=[sys.executable, "-c", "import time; time.sleep(600)"], health_path=""
        )

        with pytest.raises(
            ServiceFailedError, match=rf"its port {free_port} is taken by .*{os.getpid()}"
        ):
            process.run(spec)


def test_an_update_from_another_folder_does_not_go_back_there(
    stack: StackDir, make_spec: MakeSpec
) -> None:
    """What a copied or moved state says of it has the paths of where it was."""
    supervisor.start(stack)
    old = make_spec(stack=str(stack.path.parent / "elsewhere"))

    with pytest.raises(ServiceFailedError):
        process.update(old, make_spec(argv=[sys.executable, "-c", "raise SystemExit(1)"]))

    assert supervisor.states(stack) == {}
    assert not old.stack_dir.path.exists()


@pytest.mark.parametrize(
    "name",
    ["a b", "a #b", "a ;b", "[ab]", "a*?", "%d%%", "it's", 'a "b"', "größe", "\\a", "$HOME`"],
)
def test_odd_signs_in_the_path_of_the_stack_do_no_harm(
    tmp_path: Path, make_spec: MakeSpec, name: str
) -> None:
    """The service runs, answers and writes its log where it should."""
    odd = StackDir(tmp_path / name)
    odd.path.mkdir()
    supervisor.start(odd)
    try:
        spec = make_spec(stack=str(odd.path))
        process.run(spec)

        assert health.answers(spec.address, "/")
        assert (spec.folder / "log" / "web.log").exists()
        assert psutil.Process(pid_of(spec)).cwd() == str(spec.folder / "data")
    finally:
        supervisor.end(odd)


def test_an_update_that_does_not_come_up_leaves_the_old_one_running(
    stack: StackDir, make_spec: MakeSpec
) -> None:
    """A bad setting does not take a service away."""
    supervisor.start(stack)
    old = make_spec()
    process.run(old)

    with pytest.raises(ServiceFailedError):
        process.update(old, replace(old, argv=[sys.executable, "-c", "raise SystemExit(1)"]))

    assert health.answers(old.address, "/")
    assert psutil.Process(pid_of(old)).cmdline() == old.argv


def test_an_update_restarts_only_what_changed(stack: StackDir, make_spec: MakeSpec) -> None:
    """Another service keeps its process."""
    supervisor.start(stack)
    web = make_spec()
    idle = make_spec(name="idle", argv=[sys.executable, "-c", "import time; time.sleep(600)"])
    process.run(web)
    process.run(idle)
    before = pid_of(idle)

    process.update(web, replace(web, files={"web.conf": "two\n"}))

    assert pid_of(idle) == before
    assert (web.folder / "config" / "web.conf").read_text() == "two\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"argv": ["/bin/other"]}, ["argv"]),
        ({"environment": {}}, ["environment"]),
        ({"files": {}}, ["files"]),
        ({"version": "2"}, ["version"]),
    ],
)
def test_a_diff_says_what_changed(make_spec: MakeSpec, change: dict, said: list) -> None:
    """Numbers that came back from Pulumi as floats are no change."""
    old = asdict(make_spec()) | {"stop_seconds": 5.0, "__provider": "code"}

    assert process.changed(old, asdict(make_spec()) | change) == said


def test_a_look_sees_a_process_that_was_removed_by_hand(
    stack: StackDir, make_spec: MakeSpec
) -> None:
    """Refresh finds out about what is gone, and about files that were edited."""
    supervisor.start(stack)
    spec = make_spec()
    process.run(spec)
    assert process.config_files(spec) == {"web.conf": "one\n"}

    (spec.folder / "config" / "web.conf").write_text("edited\n")
    assert process.config_files(spec) == {"web.conf": "edited\n"}

    supervisor.remove(stack, "web")
    assert process.config_files(spec) is None


def test_a_dead_supervisor_leaves_no_orphan_behind(stack: StackDir, make_spec: MakeSpec) -> None:
    """After SIGKILL of supervisord the next start ends what it had started."""
    supervisor.start(stack)
    spec = make_spec()
    process.run(spec)
    orphan = psutil.Process(pid_of(spec))
    _supervisord(stack).kill()
    wait_until(lambda: not supervisor.is_running(stack))
    assert orphan.is_running()
    assert process.config_files(spec) is None

    supervisor.start(stack)

    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
    process.run(spec)
    assert health.answers(spec.address, "/")


def test_a_removed_process_leaves_its_data_and_nothing_else(
    stack: StackDir, make_spec: MakeSpec
) -> None:
    """Taking a service out of the settings does not take its data."""
    supervisor.start(stack)
    spec = make_spec()
    process.run(spec)
    (spec.folder / "data" / "kept").write_text("precious")

    process.remove(spec)

    assert not health.answers(spec.address, "/")
    assert (spec.folder / "data" / "kept").read_text() == "precious"
    assert not (spec.folder / "config").exists()


def test_the_end_of_a_stack_leaves_no_process_and_no_file(
    stack: StackDir, make_spec: MakeSpec
) -> None:
    """Even a child that a service started goes."""
    supervisor.start(stack)
    process.run(make_spec())
    assert len(list(marker.processes(stack.path))) == 2

    supervisor.end(stack)

    assert list(marker.processes(stack.path)) == []
    assert not stack.path.exists()
    assert not stack.socket.exists()


def test_logs_rotate(stack: StackDir, make_spec: MakeSpec) -> None:
    """A talkative service fills so many files of such a size, and no more."""
    supervisor.start(stack)
    talk = (
        "import sys\nfor i in range(60000): print('x' * 99)\nsys.stdout.flush()\n"
        "import http.server, functools\n"
        f"http.server.test(http.server.SimpleHTTPRequestHandler, port={make_spec().ports['http']},"
        " bind='127.0.0.1')"
    )
    spec = make_spec(argv=[sys.executable, "-c", talk])

    process.run(spec)

    logs = sorted(path.name for path in (spec.folder / "log").iterdir())
    assert logs == ["web.log", "web.log.1", "web.log.2"]
    assert all(path.stat().st_size < 1.2e6 for path in (spec.folder / "log").iterdir())


def test_a_long_path_still_gets_a_socket(tmp_path) -> None:
    """A Unix socket's path is short, however deep the project lies."""
    deep = StackDir(tmp_path / ("x" * 90) / "stack")
    deep.path.mkdir(parents=True)

    supervisor.start(deep)

    assert supervisor.is_running(deep)
    supervisor.end(deep)
    assert not deep.socket.exists()


def test_a_supervisor_is_found_from_every_shell(tmp_path, monkeypatch) -> None:
    """However deep it lies, and whatever folder for temporary files a shell has."""
    deep = StackDir(tmp_path / ("x" * 90) / "stack")
    deep.path.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    supervisor.start(deep)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    monkeypatch.setattr(tempfile, "tempdir", None)

    assert supervisor.is_running(deep)
    supervisor.end(deep)


def test_a_supervisor_of_an_earlier_version_is_found_where_it_listens(
    stack: StackDir, tmp_path: Path
) -> None:
    """It chose another place; a folder that was copied does not lead to the original's."""
    stack.supervisor.mkdir()
    there = tmp_path / "elsewhere.sock"
    pid = stack.supervisor / "supervisord.pid"
    configuration = f"[unix_http_server]\nfile = {there}\n[supervisord]\npidfile = {pid}\n"
    (stack.supervisor / "supervisord.conf").write_text(configuration)
    copy = StackDir(tmp_path / "copy")
    shutil.copytree(stack.path, copy.path)

    assert supervisor._socket(stack) == there
    assert supervisor._socket(copy) == copy.socket


def test_a_limit_of_open_files_that_is_too_low_is_said(monkeypatch) -> None:
    """With its name and the way to raise it, before anything is started."""
    with pytest.raises(ServiceFailedError, match=r"1000 files open \(`ulimit -Hn`\)"):
        supervisor._require_open_files(1000)
    supervisor._require_open_files(resource.RLIM_INFINITY)
    supervisor._require_open_files(1024)


def test_a_supervisor_that_refuses_to_start_says_why(
    stack: StackDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no log yet."""
    (configuration := stack.path / "wrong.conf").write_text("[supervisord]\nminfds = many\n")
    monkeypatch.setattr(supervisor, "_write_configuration", lambda _: configuration)

    with pytest.raises(
        ServiceFailedError, match="supervisord did not start: Error: invalid literal"
    ):
        supervisor._launch(stack)


def test_what_a_service_left_lying_is_gone_when_it_starts_anew(
    stack: StackDir, make_spec: MakeSpec
) -> None:
    """Its folder for temporary files is its own, and nobody else's is touched."""
    supervisor.start(stack)
    spec = make_spec()
    process.run(spec)
    temporary = Path(psutil.Process(first := pid_of(spec)).environ()["TMPDIR"])
    (temporary / "tmp.left").touch()

    os.kill(first, signal.SIGKILL)

    wait_until(lambda: pid_of(spec) not in {0, first})
    wait_until(lambda: health.answers(spec.address, "/"))
    assert temporary.is_relative_to(stack.path)
    assert list(temporary.iterdir()) == []


def _supervisord(stack: StackDir) -> psutil.Process:
    return psutil.Process(int((stack.supervisor / "supervisord.pid").read_text()))
