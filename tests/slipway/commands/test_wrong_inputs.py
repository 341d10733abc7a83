"""Exit codes of wrong inputs: what a person wrote wrong is 2, before anything runs."""

import re
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from infra.errors import SettingsError
from infra.home import ROOT, Home, stack_names
from infra.wiring import signing
from slipway.__main__ import main
from slipway.exits import Exit
from slipway.operations import secret_rotation
from slipway.progress import Progress
from slipway.stack import workspace

Ask = Callable[[str], tuple[int, str]]
STACK_COMMANDS = [
    *("up", "down", "status", "run training", "predict", "traffic", "release 1", "logs serving"),
    *("feedback labels.csv", "report", "doctor", "policies", "tools install", "images list"),
    *("secrets list", "secrets show x", "secrets rotate", "keys new x", "keys list"),
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which the stack `local` has run: it has a log."""
    found = Home(tmp_path / "home", tmp_path / "tools")
    log = found.stack("local").service("serving") / "log" / "serving.log"
    log.parent.mkdir(parents=True)
    log.write_text("a line\n")
    return found


@pytest.fixture
def ask(
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Ask:
    """The exit code and the complaint of a command, which begins nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    for name, value in (("SLIPWAY_HOME", home.path), ("SLIPWAY_TOOLS", home.tools)):
        monkeypatch.setenv(name, str(value))

    def ask(line: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["slipway", *line.split()])
        with pytest.raises(SystemExit) as end, warnings.catch_warnings():
            main()
        return int(end.value.code or 0), capsys.readouterr().err

    return ask


@pytest.mark.parametrize("command", STACK_COMMANDS)
def test_a_stack_that_is_not_there_is_a_wrong_option(ask: Ask, command: str) -> None:
    """Of every command that takes one, and said before a question is asked."""
    code, said = ask(f"{command} --stack nope")

    assert (code, said.count("\n")) == (2, 1)
    names = ", ".join(stack_names())
    assert f"there is no stack file Pulumi.nope.yaml; stacks here: {names}" in said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("run trainig", "there is no pipeline trainig: choose one of: training"),
        ("run training --set rounds=many", "rounds='many' is not a whole number"),
        ("run training --set colour=red", "has no parameter colour: valid are: accept_breaking, "),
        ("run training --set months", "write it as name=value"),
        ("run training --set months=1 --set months=2", "--set gives a parameter twice"),
        ("run training --follow x", "stack local is not on a cluster"),
        ("logs trainig", "no log of 'trainig'; there are supervisor, serving"),
        ("feedback no.csv", "no.csv: No such file or directory"),
        ("traffic --challenger 2", "should be a number from 0 to 1"),
        ("policies --stack kind --preview no.json", "no.json cannot be read"),
        ("keys new UPPER", "'UPPER' is no name of a caller"),
        ("report --minutes 0", "Invalid value for '--minutes'"),
        ("status --wrong", "No such option"),
        ("wrong", "No such command"),
    ],
)
def test_a_wrong_name_or_value_is_two(ask: Ask, home: Home, command: str, said: str) -> None:
    """And nothing has run: the home is as it was."""
    before = sorted(home.path.rglob("*"))

    code, complaint = ask(command)

    assert code == 2
    assert said in " ".join(complaint.replace("│", " ").split())
    assert sorted(home.path.rglob("*")) == before


@pytest.mark.parametrize(
    "command", ["status", "run training --set rounds=1", "predict", "secrets list", "report"]
)
def test_what_is_not_up_is_five(ask: Ask, command: str) -> None:
    """A command that is right, at a stack that is not there yet."""
    code, said = ask(command)

    assert code == 5
    assert re.search(r"stack local is not up: run `.*slipway up`", said)


def test_logs_of_a_stack_that_never_ran_are_five(ask: Ask, home: Home) -> None:
    """There is no name to be wrong about."""
    (home.stack("local").service("serving") / "log" / "serving.log").unlink()

    assert ask("logs serving")[0] == 5


def test_a_generated_secret_by_another_name_is_two(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As is one that is not to be made anew by that command; nothing is."""
    known = [{"type": secret_rotation._TYPE, "id": "a", "urn": "u"}]
    monkeypatch.setattr(workspace, "exists", lambda *_: True)
    monkeypatch.setattr(workspace, "resources", lambda *_: known)
    progress = Progress(Console(quiet=True))

    with pytest.raises(SettingsError, match="those are a"):
        secret_rotation.text(home, "local", "b")
    for name in ("b", signing.PRIVATE_KEY):
        with pytest.raises(SettingsError, match=name):
            secret_rotation.rotate(home, "local", [name], progress)


def test_readme_has_every_exit_code() -> None:
    """But for that of an interrupt, which shells have for every program."""
    text = " ".join((ROOT / "README.md").read_text().split())
    codes = text.partition("Exit codes: ")[2].partition(". ")[0]

    assert [int(part.split()[0]) for part in codes.split(", ")] == sorted(set(Exit) - {130})
