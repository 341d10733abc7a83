"""Tools that are on PATH: taken in an accepted version, passed over otherwise."""

import errno
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from infra.errors import ToolMissingError
from infra.home import PULUMI_ROOT, Home
from slipway.toolchain import Resolution
from slipway.toolchain.bin_folder import language_host, write_own
from slipway.toolchain.host import Host


def test_an_accepted_tool_is_linked_and_recorded(machine) -> None:
    """It stands in tools/bin under every name, and in tools.json with its own path."""
    path = machine.install("1.9.3")

    found = machine.ensure()

    assert found == {"toy": Resolution("toy", path, "1.9.3", "path")}
    assert machine.recorded() == {"toy": {"path": str(path), "version": "1.9.3", "source": "path"}}
    links = {item.name: item.readlink() for item in (machine.tools_dir / "bin").iterdir()}
    assert links == {name: machine.path_dir / name for name in ("toy", "toyctl")}
    assert machine.resolve() == found["toy"]


@pytest.mark.parametrize("version", ["1.0.9", "0.9.0", "2.0.0", "10.0", "unknown"])
def test_other_versions_are_passed_over(machine, version: str) -> None:
    """Too old, too new, and what is no version."""
    machine.install(version)

    assert machine.resolve() is None


def test_a_stranger_of_the_same_name_is_passed_over(machine) -> None:
    """A program that does not answer as the tool does is another tool."""
    machine.install("1.2.0")
    (machine.path_dir / "toy").write_text("#!/bin/sh\necho 'railway toys, version 1.2.0'\n")

    assert machine.resolve() is None


def test_a_program_that_does_not_run_is_passed_over(machine) -> None:
    """Built for another machine, say."""
    machine.install("1.2.0")
    (machine.path_dir / "toy").write_bytes(b"\x7fELF nothing")

    assert machine.resolve() is None


def test_a_tool_without_its_other_programs_is_passed_over(machine) -> None:
    """Half a tool is none."""
    machine.install("1.2.0", "toy")

    assert machine.resolve() is None


def test_a_program_is_asked_once_for_its_version(machine) -> None:
    """And again when the file has changed."""
    path = machine.install("1.2.0")
    asked = machine.folder / "asked"
    path.write_text(f"#!/bin/sh\necho >>{asked}\necho 'toy, version 1.2.0'\n")

    for _ in range(3):
        machine.ensure()
    assert asked.read_text() == "\n"

    path.write_text(f"#!/bin/sh\necho again >>{asked}\necho 'toy, version 1.3.0'\n")
    assert machine.ensure() == {"toy": Resolution("toy", path, "1.3.0", "path")}
    assert machine.recorded()["toy"]["version"] == "1.3.0"


def test_a_tool_that_left_path_is_not_found(machine) -> None:
    """What is recorded is not believed without looking."""
    machine.install("1.2.0").unlink()

    assert machine.resolve() is None


def test_our_own_folders_on_path_are_not_the_machine(machine, released) -> None:
    """tools/bin may come first on PATH: what is there is the cache."""
    released()
    machine.ensure()
    machine.has(path=f"{machine.tools_dir / 'bin'}:{machine.path_dir}")

    assert machine.resolve().source == "cache"


def test_a_wrapper_of_ours_is_not_taken_for_the_tool(machine) -> None:
    """A wrapper leads to tools/bin, and a link from there to it would be a circle."""
    machine.install("1.2.0")
    machine.has(ours=(machine.path_dir,))

    assert machine.resolve() is None


def test_path_comes_before_the_cache(machine, released) -> None:
    """A tool that a person installs later is used, and the cached one is kept."""
    released()
    cached = machine.ensure()["toy"]
    path = machine.install("1.4.0")

    assert machine.ensure() == {"toy": Resolution("toy", path, "1.4.0", "path")}
    path.unlink()
    assert machine.ensure() == {"toy": replace(cached, source="cache")}
    assert machine.recorded()["toy"] == {
        "path": str(cached.path),
        "version": "1.2.0",
        "source": "release",
    }


def test_a_companion_is_accepted_beside_its_leader(machine, toy) -> None:
    """It has its leader's version; alone, or beside a refused leader, it is passed over."""
    companion = replace(toy, name="toy-plays", programs=("toy-plays",), answers="", beside="toy")
    machine.has(tools={"toy": toy, "toy-plays": companion})
    path = machine.install("1.2.0", "toy-plays")
    assert machine.resolve("toy-plays") is None

    machine.install("1.0.0")
    assert machine.resolve("toy-plays") is None

    machine.install("1.5.0")
    assert machine.resolve("toy-plays") == Resolution("toy-plays", path, "1.5.0", "path")


def test_a_tool_with_files_is_accepted_with_them_only(machine, toy) -> None:
    """Through a link, too: its home is where the program really lies."""
    machine.has(tools={"toy": replace(toy, programs=("toy",), home=("conf",))})
    home = machine.folder / "opt" / "toy"
    (home / "bin").mkdir(parents=True)
    machine.install("1.2.0", "toy").rename(home / "bin" / "toy")
    (machine.path_dir / "toy").symlink_to(home / "bin" / "toy")
    assert machine.resolve() is None

    (home / "conf").mkdir()
    assert machine.resolve() == Resolution("toy", home / "bin" / "toy", "1.2.0", "path")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"toy": 3}'])
def test_records_that_cannot_be_read_count_as_none(machine, text: str) -> None:
    """They are written anew."""
    path = machine.install("1.2.0")
    machine.tools_dir.mkdir()
    for name in ("tools.json", "versions.json"):
        (machine.tools_dir / name).write_text(text)

    machine.ensure()

    assert machine.recorded() == {"toy": {"path": str(path), "version": "1.2.0", "source": "path"}}


def test_a_cache_that_cannot_be_written_is_one_line(machine) -> None:
    """Where, why and what to do."""
    machine.install("1.2.0")
    machine.tools_dir.write_text("a file where the folder should be")

    with pytest.raises(ToolMissingError) as caught:
        machine.ensure()

    assert str(caught.value) == (
        f"the tool cache {machine.tools_dir} cannot be written: Not a directory; "
        f"make room, or name another folder in SLIPWAY_TOOLS"
    )


def test_a_read_only_cache_that_has_the_tools_is_enough(
    machine, released, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written to it that it says already, and what it cannot learn it does without."""
    released()
    machine.ensure()
    monkeypatch.setattr("slipway.toolchain.provide.locked", _read_only)
    machine.ensure()

    machine.install("0.9.0")  # passed over, but that it was asked would be remembered
    assert machine.ensure()["toy"].source == "cache"

    (machine.tools_dir / "bin" / "toyctl").unlink()
    with pytest.raises(ToolMissingError, match="Read-only file system"):
        machine.ensure()


def _read_only(*_: object) -> NoReturn:
    raise OSError(errno.EROFS, "Read-only file system")


def test_what_pulumi_runs_of_an_environment_lies_in_it(tmp_path: Path) -> None:
    """Two clones with one tool cache: each keeps its own, and the cache has neither."""
    tools = tmp_path / "tools" / "bin"
    tools.mkdir(parents=True)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder, python in ((ours, "/opt/its own/python"), (theirs, "/opt/other/python")):
        write_own(folder, tools, python)

    provider = ours / "pulumi-resource-pulumi-python"
    assert provider.read_text() == (
        "#!/bin/sh\nexec '/opt/its own/python' -u -m pulumi.dynamic \"$@\"\n"
    )
    assert provider.stat().st_mode & 0o777 == 0o755
    assert "/opt/other/python" in (theirs / provider.name).read_text()
    assert (ours / "pulumi").readlink() == tools / "pulumi"
    assert list(tools.iterdir()) == []


def test_the_environments_own_programs_are_found_before_the_caches() -> None:
    """A cache may hold those of a former version, which lead to another clone."""
    folders = Home.of_environment().search_path.split(":")

    assert folders[:2] == [str(PULUMI_ROOT / "bin"), str(Home.of_environment().tools / "bin")]
    assert PULUMI_ROOT.is_relative_to(sys.prefix)
    assert PULUMI_ROOT / "bin" in Host.here().ours


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "/opt/its own/python 1 2\n"), ({"PULUMI_PYTHON_CMD": "mine"}, "mine 1 2\n")],
)
def test_the_language_host_is_told_of_this_python(
    tmp_path: Path, environment: dict[str, str], expected: str
) -> None:
    """Unless a person names another one; the arguments go through."""
    host = tmp_path / "a host"
    host.write_text('#!/bin/sh\necho "$PULUMI_PYTHON_CMD" "$@"\n')
    host.chmod(0o755)
    shim = tmp_path / "shim"
    shim.write_text(language_host("/opt/its own/python", host))

    said = subprocess.run(
        ["/bin/sh", str(shim), "1", "2"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout == expected
