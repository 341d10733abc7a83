"""A whole platform in a folder of its own, made and destroyed by the commands a person uses."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.home import Home, StackDir, stack_file

ROOT = Path(__file__).resolve().parents[2]
# A stack of the tests' own, with no setting but the defaults: `local` is the user's to edit.
STACK = f"test-{os.getpid()}"
SETTINGS = "# Nothing is said here.\nconfig: {}\n"


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, read."""
        assert self.code == 0, self.err
        return json.loads(self.out)


@dataclass(frozen=True)
class Cli:
    """`slipway` (and plain `pulumi`) on one home."""

    home: Home

    @property
    def environment(self) -> dict[str, str]:
        """What every command finds."""
        return os.environ | {
            "SLIPWAY_HOME": str(self.home.path),
            "SLIPWAY_TOOLS": str(self.home.tools),
            "SLIPWAY_STACK": STACK,
            "COLUMNS": "200",
        }

    @property
    def stack(self) -> str:
        """The stack that every command is for which names no other."""
        return STACK

    @property
    def folder(self) -> StackDir:
        """What it has on this machine."""
        return self.home.stack(STACK)

    def start(self, *arguments: str) -> subprocess.Popen:
        """A command that goes on while the test does."""
        return subprocess.Popen(
            [sys.executable, "-m", "slipway", *arguments],
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *arguments: str) -> Answer:
        """A command, to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=280)
        return Answer(process.returncode, out, err)

    def pulumi(self, *arguments: str) -> Answer:
        """The toolchain's Pulumi CLI, as a person runs it from the project's root."""
        done = subprocess.run(
            [self.home.bin / "pulumi", *arguments, "--non-interactive"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session", autouse=True)
def settings_of_tests() -> Iterator[str]:
    """The file of the tests' own stack, there as long as they run; what was written into it."""
    path = stack_file(STACK)
    path.write_text(SETTINGS)
    yield SETTINGS
    path.unlink()


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The commands on an empty home; nothing is up."""
    return Cli(Home(tmp_path / "home", Home.of_environment().tools))


@pytest.fixture
def brief(cli: Cli) -> Iterator[Cli]:
    """The same for a test that stands something up: it is destroyed afterwards."""
    yield cli
    done = cli("down", "--yes")
    assert done.code == 0, done.err


@dataclass(frozen=True)
class Platform:
    """A platform that is up, with a trained model."""

    cli: Cli
    summary: Any

    def url(self, service: str) -> str:
        """Where a service answers."""
        [found] = [s["url"] for s in self.summary["services"] if s["name"] == service]
        return found.removesuffix("/v2").removesuffix("/")


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform as `slipway up` brings it, once for all tests of this folder."""
    cli = Cli(Home(tmp_path_factory.mktemp("platform") / "home", Home.of_environment().tools))
    try:
        yield Platform(cli, cli("up", "--json").json)
    finally:
        cli("down", "--yes")
