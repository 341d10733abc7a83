"""Tools built with Go: once, whole or not at all, and no build without its builder."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import psutil
import pytest

from infra.errors import ToolMissingError
from slipway.toolchain import Resolution
from slipway.toolchain.host import GoCaches

needs_go = pytest.mark.skipif(not shutil.which("go"), reason="no Go on PATH")

MAIN = """package main

var version = "none"

func main() { println("toy, version", version) }
"""
# Asked for anything else it is silent, as when it lists or builds nothing.
FAKE_GO = 'case "$1" in version) echo "go version go{version} linux/amd64";; env) echo {local};; '


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> GoCaches:
    """Caches that the builds of these tests share: Go's runtime is compiled once."""
    folder = tmp_path_factory.mktemp("go")
    return GoCaches(folder / "modules", folder / "builds")


@pytest.fixture
def building(machine, caches: GoCaches):
    """A machine with Go and no release site, and the toy's own Go module."""
    module = machine.host.go_modules / "toy"
    for program in ("toy", "toyctl"):
        (module / "cmd" / program).mkdir(parents=True)
        (module / "cmd" / program / "main.go").write_text(MAIN)
    (module / "go.mod").write_text("module toy.invalid/toy\n\ngo 1.21\n")
    machine.has(path=os.environ["PATH"], platform="plan9/arm", go_caches=caches)
    return machine


@pytest.fixture
def with_fake_go(machine) -> Callable[..., None]:
    """Gives the machine a `go` of a version that does as it is told."""

    def install(version: str, *, local: str = "auto", otherwise: str = "true") -> None:
        go = machine.path_dir / "go"
        answers = FAKE_GO.format(version=version, local=local)
        go.write_text(f"#!/bin/sh\n{answers}*) {otherwise};; esac\n")
        go.chmod(0o755)
        (machine.host.go_modules / "toy").mkdir(parents=True, exist_ok=True)
        machine.has(platform="plan9/arm")

    return install


def refusal(machine) -> str:
    """Why Go did not help."""
    with pytest.raises(ToolMissingError) as caught:
        machine.ensure()
    assert not (machine.tools_dir / "store").exists()
    return str(caught.value).split("which builds them (")[1].removesuffix(")")


@needs_go
def test_a_tool_is_built_with_its_version_and_never_again(building) -> None:
    """All its programs; the linker sets the pinned version; the second time it is there."""
    found = building.ensure()

    path = building.tools_dir / "store" / "toy-1.2.0-go" / "bin" / "toy"
    assert found == {"toy": Resolution("toy", path, "1.2.0", "go")}
    assert building.recorded() == {"toy": {"path": str(path), "version": "1.2.0", "source": "go"}}
    programs = [building.tools_dir / "bin" / name for name in ("toy", "toyctl")]
    answers = [subprocess.run([program], capture_output=True, check=True) for program in programs]
    assert [answer.stderr for answer in answers] == [b"toy, version 1.2.0\n"] * 2
    assert building.said[-1] == ("toy", "1.2.0 built with Go")
    assert building.leftovers() == []

    building.has(path=str(building.path_dir))
    assert building.ensure() == {"toy": replace(found["toy"], source="cache")}


@needs_go
def test_a_program_gets_its_own_name(building) -> None:
    """Whatever Go calls it, which is the folder of its package."""
    commands = building.host.go_modules / "toy" / "cmd"
    (commands / "toy").rename(commands / "server")
    toy = building.host.tools["toy"]
    packages = tuple(package.replace("cmd/toy", "cmd/server", 1) for package in toy.go.packages[:1])
    recipe = replace(toy.go, packages=packages, built_as={"toy": "server"})
    building.has(tools={"toy": replace(toy, programs=("toy",), go=recipe)})

    path = building.ensure()["toy"].path

    assert path.name == "toy"
    assert path.exists()


@needs_go
def test_a_tool_of_tests_that_is_not_here_leaves_nothing_undone(building) -> None:
    """The caches are cleared when a stack's own tools are all here."""
    toy = building.host.tools["toy"]
    other = replace(toy, name="other", group="tests")
    building.has(go_caches=None, tools={"toy": toy, "other": other})
    building.ensure("toy")
    (building.tools_dir / "go").mkdir()

    building.ensure("toy")

    assert building.leftovers() == []


@needs_go
def test_the_caches_of_go_are_removed_after_use(building) -> None:
    """Of the tool cache's own ones nothing is left, though Go writes modules read-only."""
    building.has(go_caches=None)

    building.ensure()

    assert building.leftovers() == []


def test_the_work_of_a_killed_process_is_cleared(machine) -> None:
    """By the next call that has all tools, even if it brings none."""
    machine.install("1.2.0")
    machine.ensure()
    for name in ("go", "stage"):
        (machine.tools_dir / name).mkdir()

    machine.ensure()

    assert machine.leftovers() == []


def test_what_an_interrupted_build_has_compiled_is_kept(machine) -> None:
    """As long as a tool is missing, the next build goes on from there."""
    (machine.tools_dir / "go" / "builds").mkdir(parents=True)

    with pytest.raises(ToolMissingError):
        machine.ensure()

    assert machine.leftovers() == ["go"]


@needs_go
def test_a_build_that_fails_says_where_and_leaves_nothing(building) -> None:
    """The compiler's own last line, and the log that holds all of it."""
    main = building.host.go_modules / "toy" / "cmd" / "toy" / "main.go"
    main.write_text(MAIN + "\nvar other int = version\n")

    reason = refusal(building)

    log = building.tools_dir / "log" / "go-toy.log"
    said = "cannot use version (variable of type string) as int value in variable declaration"
    assert reason == f"building toy failed: cmd/toy/main.go:7:17: {said} (log: {log})"
    assert said in log.read_text()
    assert building.leftovers() == []


@needs_go
def test_modules_that_are_not_pinned_are_not_built(building) -> None:
    """go.sum is the pin; Go may not add to it."""
    module = building.host.go_modules / "toy"
    (module / "go.mod").write_text(
        "module toy.invalid/toy\n\ngo 1.21\n\nrequire example.invalid/other v1.0.0\n"
    )
    main = module / "cmd" / "toy" / "main.go"
    main.write_text(MAIN.replace("main\n", 'main\n\nimport _ "example.invalid/other"\n', 1))

    assert "missing go.sum entry" in refusal(building)
    assert not (module / "go.sum").exists()


@needs_go
def test_a_person_s_own_settings_of_go_do_not_matter(
    building, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would build for another machine, or without the pins."""
    monkeypatch.setenv("GOOS", "windows")
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("GOWORK", str(building.folder / "go.work"))

    assert building.ensure()["toy"].source == "go"


@needs_go
def test_an_interrupted_build_is_taken_up_again(building) -> None:
    """Nothing half-made is left, and the next call brings the tool."""

    def interrupt(name: str, _: str) -> None:
        if name == "go":
            raise KeyboardInterrupt

    said, building.said = building.said, type("Rude", (), {"append": lambda _, w: interrupt(*w)})()
    with pytest.raises(KeyboardInterrupt):
        building.ensure()
    assert building.resolve() is None
    assert building.leftovers() == []

    building.said = said
    assert building.ensure()["toy"].source == "go"


@pytest.mark.parametrize(
    ("version", "local", "floor"),
    [
        ("1.20.14", "auto", "1.21"),
        ("1.25.3", "local", "1.26.0"),
    ],
)
def test_a_go_that_is_too_old_is_refused(
    machine, with_fake_go, version: str, local: str, floor: str
) -> None:
    """Unless it brings the version that our modules ask for by itself."""
    with_fake_go(version, local=local)

    go = machine.path_dir / "go"
    assert refusal(machine) == f"{go} is go version go{version} linux/amd64, older than {floor}"


def test_a_go_that_brings_a_newer_one_is_taken(machine, with_fake_go) -> None:
    """Then the build itself tells whether it could."""
    with_fake_go("1.22.0", otherwise="echo go: no module proxy >&2; exit 1")

    assert refusal(machine) == "`go list`: go: no module proxy"


def test_what_go_did_not_make_is_an_error(machine, with_fake_go) -> None:
    """Go that ends well without a program has built nothing."""
    with_fake_go("1.26.0")

    assert refusal(machine) == "building toy made no toy, toyctl"


KILLED = """
import sys
from pathlib import Path
from slipway import toolchain
from slipway.toolchain.golang import Go
from slipway.toolchain.host import GoCaches

go = Go(sys.argv[1], GoCaches(Path("m"), Path("b")))
with go.running(["build"], Path(sys.argv[2])) as lines:
    print(next(iter(lines)), end="", flush=True)
    sys.stdin.read()
"""


def test_a_build_does_not_outlive_its_builder(machine, with_fake_go) -> None:
    """Even when that is killed: the next line that Go says is its last."""
    with_fake_go("1.26.0", otherwise="while :; do echo $$ >&2; done")
    command = [sys.executable, "-c", KILLED, str(machine.path_dir / "go"), str(machine.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as builder:
        build = psutil.Process(int(builder.stdout.readline()))
        builder.send_signal(signal.SIGKILL)

    gone, alive = psutil.wait_procs([build], timeout=30)

    assert (gone, alive) == ([build], [])


def test_scripts_are_copied_from_the_modules_that_are_pinned(machine, with_fake_go, toy) -> None:
    """They are programs of the tool like those that are compiled."""
    module = machine.folder / "module"
    module.mkdir()
    (module / "player.py").write_text("#!/usr/bin/env python3\n")
    recipe = replace(toy.go, copied={"toyctl": ("others", "toy.invalid/player", "player.py")})
    machine.has(tools={"toy": replace(toy, go=recipe, answers="")})
    (machine.host.go_modules / "others").mkdir(parents=True)
    make = 'for word in "$@"; do case "$word" in -o=*) : >"${word#-o=}toy";; esac; done'
    with_fake_go(
        "1.26.0",
        otherwise=f'if [ "$1" = mod ]; then echo \'{{"Dir": "{module}"}}\'; else {make}; fi',
    )

    path = machine.ensure()["toy"].path

    assert path.with_name("toyctl").read_text() == "#!/usr/bin/env python3\n"
    assert os.access(path.with_name("toyctl"), os.X_OK)
