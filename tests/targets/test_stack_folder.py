"""A stack's folder is known by what it is: spelled otherwise, moved, copied, renamed, replaced."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from infra.errors import ServiceFailedError
from infra.home import Home, StackDir
from infra.targets.processes import identity, marker, ports, process, stack_folder, supervisor
from infra.targets.processes.process import Spec
from infra.targets.processes.provider import _ProcessProvider, _SupervisorProvider

Use = Callable[[Path], StackDir]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Use]:
    """Has a folder as SLIPWAY_HOME; the stack `local` in it. All are ended with the test."""
    used: list[StackDir] = []

    def turn_to(folder: Path) -> StackDir:
        monkeypatch.setenv("SLIPWAY_HOME", str(folder))
        used.append(Home.of_environment().stack("local"))
        return used[-1]

    yield turn_to
    for stack in used:
        supervisor.end(stack)


def make(stack: StackDir) -> dict:
    """The stack's supervisord, and something precious in its folder."""
    made = stack_folder.make(str(stack.path))
    (stack.path / "precious").write_text("data")
    return made


def daemon(stack: StackDir) -> psutil.Process:
    return psutil.Process(int((stack.supervisor / "supervisord.pid").read_text()))


def test_another_spelling_of_the_home_is_the_same_folder(use: Use, tmp_path: Path) -> None:
    """By a link or by `..`: no change, no restart, nothing removed."""
    stack = use(tmp_path / "h")
    made = make(stack)
    before = daemon(stack)
    (tmp_path / "l").symlink_to(tmp_path / "h")
    (tmp_path / "y").mkdir()

    for spelling in (tmp_path / "l", tmp_path / "y" / ".." / "h"):
        again = use(spelling)
        assert again == stack
        found = _SupervisorProvider().diff("", made, {"stack": str(again.path)})
        assert (found.changes, found.replaces) == (False, None)

    assert daemon(stack) == before


def test_a_state_that_has_another_spelling_is_updated_and_never_replaced(
    use: Use, tmp_path: Path
) -> None:
    """As those have that were made by way of a link before homes were resolved."""
    stack = use(tmp_path / "h")
    made = make(stack)
    before = daemon(stack)
    (tmp_path / "l").symlink_to(tmp_path / "h")
    spelled = {"stack": str(tmp_path / "l" / "stacks" / "local"), "socket": made["socket"]}
    news = {"stack": str(stack.path)}

    found = _SupervisorProvider().diff("", spelled, news)
    after = _SupervisorProvider().update("", spelled, news).outs

    assert (found.changes, found.replaces) == (True, None)
    assert after["stack"] == str(stack.path)
    assert daemon(stack) == before
    assert (stack.path / "precious").exists()


def test_a_copy_never_touches_the_original(use: Use, tmp_path: Path) -> None:
    """It gets processes, ports and an id of its own, and its end is only its own."""
    original = use(tmp_path / "h")
    made = make(original)
    original.ports.write_text('{"web/http": 18001}')
    before = daemon(original)
    shutil.copytree(tmp_path / "h", tmp_path / "h2", ignore=shutil.ignore_patterns("rpc.sock"))
    copy = use(tmp_path / "h2")

    assert list(marker.processes(copy.path)) == []
    assert ports._kept(copy) == {}
    own = _SupervisorProvider().update("", made, {"stack": str(copy.path)}).outs

    assert own["identity"] != made["identity"]
    assert [each.pid for each in marker.processes(original.path)] == [before.pid]
    assert [each.pid for each in marker.processes(copy.path)] == [daemon(copy).pid]

    _SupervisorProvider().delete("", own)
    assert not copy.path.exists()
    assert before.is_running()
    assert (original.path / "precious").exists()


def test_a_copy_that_was_never_up_is_removed_alone(use: Use, tmp_path: Path) -> None:
    """`down` with a copied state, whose paths are those of the original."""
    original = use(tmp_path / "h")
    made = make(original)
    shutil.copytree(tmp_path / "h", tmp_path / "h2", ignore=shutil.ignore_patterns("rpc.sock"))
    copy = use(tmp_path / "h2")

    _SupervisorProvider().delete("", made)

    assert not copy.path.exists()
    assert supervisor.is_running(original)
    assert (original.path / "precious").exists()


@pytest.mark.parametrize("by", ["rename", "copy"], ids=["on one disk", "to another disk"])
def test_a_moved_folder_takes_its_data_along(use: Use, tmp_path: Path, by: str) -> None:
    """What ran from its former place is ended, and runs anew from where it is now."""
    former = use(tmp_path / "h")
    made = make(former)
    before = daemon(former)
    if by == "rename":
        (tmp_path / "h").rename(tmp_path / "h3")
    else:
        shutil.copytree(tmp_path / "h", tmp_path / "h3", ignore=shutil.ignore_patterns("rpc.sock"))
        shutil.rmtree(tmp_path / "h")
    moved = use(tmp_path / "h3")

    stack_folder.settle(made, str(moved.path))

    assert not before.is_running()
    assert [each.pid for each in marker.processes(moved.path)] == [daemon(moved).pid]
    assert (moved.path / "precious").exists()


@pytest.mark.parametrize("name", ["h", "h" * 90], ids=["short", "long"])
def test_a_backup_in_the_place_of_a_moved_folder_is_another_one(
    use: Use, tmp_path: Path, name: str
) -> None:
    """The same path and the same file in it, but not the folder whose services run.

    Where the path is too long for a socket, that lies elsewhere, and is not the other one's.
    """
    home, kept, copy = tmp_path / name, tmp_path / f"k{name}", tmp_path / "copy"
    first = use(home)
    make(first)
    before = daemon(first)
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("rpc.sock"))
    home.rename(kept)
    copy.rename(home)
    second = use(home)

    assert list(marker.processes(second.path)) == []
    assert not supervisor.is_running(second)
    supervisor.end(second)

    assert before.is_running()
    assert supervisor.is_running(use(kept))


def test_a_renamed_stack_takes_its_folder_along(use: Use, tmp_path: Path) -> None:
    """After `pulumi stack rename`: an update, with the ports that the program chose already."""
    former = use(tmp_path / "h")
    made = make(former)
    before = daemon(former)
    renamed = Home.of_environment().stack("prod")
    renamed.path.mkdir()
    renamed.ports.write_text("{}")

    found = _SupervisorProvider().diff("", made, {"stack": str(renamed.path)})
    after = _SupervisorProvider().update("", made, {"stack": str(renamed.path)}).outs

    try:
        assert (found.changes, found.replaces) == (True, None)
        assert not before.is_running()
        assert not former.path.exists()
        assert (renamed.path / "precious").exists()
        assert renamed.ports.read_text() == "{}"
        assert supervisor.is_running(renamed)
        assert after["identity"] == made["identity"]
    finally:
        supervisor.end(renamed)


def test_a_rename_to_a_name_that_is_taken_touches_neither(use: Use, tmp_path: Path) -> None:
    """Both stacks stay what they are."""
    former = use(tmp_path / "h")
    made = make(former)
    taken = Home.of_environment().stack("prod")
    taken.path.mkdir()
    identity.claim(taken.path, "another")

    with pytest.raises(ServiceFailedError, match=r"prod is another stack's folder"):
        stack_folder.settle(made, str(taken.path))

    assert supervisor.is_running(former)
    assert (former.path / "precious").exists()


def test_the_end_of_what_was_replaced_removes_nothing(use: Use, tmp_path: Path) -> None:
    """Pulumi makes the new resource first and then deletes the old one."""
    stack = use(tmp_path / "h")
    old = make(stack)
    new = stack_folder.make(str(stack.path))

    _SupervisorProvider().delete("", old)
    assert (stack.path / "precious").exists()
    assert supervisor.is_running(stack)

    _SupervisorProvider().delete("", new)
    assert not stack.path.exists()


def test_a_strange_folder_in_the_place_of_the_stack_is_not_removed(
    use: Use, tmp_path: Path
) -> None:
    """One line says so, with what to do."""
    stack = use(tmp_path / "h")
    made = make(stack)
    supervisor.end(stack)
    stack.path.mkdir()
    identity.claim(stack.path, "another")

    with pytest.raises(ServiceFailedError, match=r"is not the folder .* move it away and run"):
        _SupervisorProvider().delete("", made)

    assert stack.path.exists()


def test_processes_that_are_marked_by_a_path_are_still_known(use: Use, tmp_path: Path) -> None:
    """As those of a stack that was made before folders had an id, however its path is spelled."""
    stack = use(tmp_path / "h")
    stack.path.mkdir(parents=True)
    (tmp_path / "l").symlink_to(tmp_path / "h")
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    marked = {marker.VARIABLE: str(tmp_path / "l" / "stacks" / "local")}
    with subprocess.Popen(argv, env=marked, cwd="/") as sleeper:
        assert [each.pid for each in marker.processes(stack.path)] == [sleeper.pid]

        _SupervisorProvider().delete("", {"stack": str(stack.path), "socket": ""})

        assert list(marker.processes(stack.path)) == []
    assert not stack.path.exists()


def test_a_process_of_another_folder_is_an_update(
    use: Use, tmp_path: Path, make_spec: Callable[..., Spec]
) -> None:
    """A change of the path is never a replacement; what a copied state names is not touched."""
    original = use(tmp_path / "h")
    make(original)
    spec = make_spec(stack=str(original.path))
    process.run(spec)
    shutil.copytree(tmp_path / "h", tmp_path / "h2", ignore=shutil.ignore_patterns("rpc.sock"))
    copy = use(tmp_path / "h2")

    found = _ProcessProvider().diff("", asdict(spec), asdict(spec) | {"stack": str(copy.path)})
    _ProcessProvider().delete("", asdict(spec))

    assert (found.changes, found.replaces) == (True, [])
    assert _ProcessProvider().read("", asdict(spec)).id == ""
    assert supervisor.state(original, spec.name) is not None
