"""Commands in what people read: each can be pasted as it stands, about the stack at hand."""

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rich.console import Console

from infra.errors import SlipwayError
from infra.home import ROOT, Home
from infra.settings.tree import Settings
from slipway import __main__ as program
from slipway import hints
from slipway.commands import main as cli
from slipway.operations.processes.target import ProcessTarget
from slipway.reporting import summary, tables
from slipway.runs.run import Failure, RunResult
from slipway.stack.running import Running

ROOMS = ("components", "infra", "monitoring", "pipelines", "serving", "slipway", "usecases")
OURS = Path(sys.executable).parent


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell in which `slipway` is this very program, on the project's own home."""
    monkeypatch.setenv("PATH", str(OURS), prepend=os.pathsep)
    monkeypatch.delenv("SLIPWAY_HOME", raising=False)
    monkeypatch.delenv("SLIPWAY_STACK", raising=False)


@pytest.mark.parametrize(
    ("stack", "said", "whole"),
    [
        ("local", "run `slipway up`", "run `slipway up`"),
        ("staging", "run `slipway up`", "run `slipway up --stack staging`"),
        ("a b", "run `slipway down`", "run `slipway down --stack 'a b'`"),
        ("staging", "see `slipway logs serving`", "see `slipway logs serving --stack staging`"),
        ("staging", "`slipway tools lock` writes it", "`slipway tools lock` writes it"),
        ("staging", "as `slipway up --stack kind`", "as `slipway up --stack kind`"),
        (
            "staging",
            "run `pulumi up --refresh`",
            'run `eval "$(slipway env)" && pulumi up --refresh --stack staging`',
        ),
        (
            "local",
            "with `pulumi preview --json > f.json`",
            'with `eval "$(slipway env)" && pulumi preview --json --stack local > f.json`',
        ),
        (
            "staging",
            "run `pulumi plugin install resource docker 1`",
            'run `eval "$(slipway env)" && pulumi plugin install resource docker 1`',
        ),
        ("staging", "`docker info` and slipway up", "`docker info` and slipway up"),
    ],
)
def test_a_command_in_a_message_is_about_the_stack_at_hand(
    stack: str, said: str, whole: str
) -> None:
    """Whoever raised it knew of no stack; what names one already keeps it."""
    assert hints.pasteable(said, stack) == whole


def test_a_shell_whose_default_is_another_stack_is_told_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the option the command would be about the stack of SLIPWAY_STACK."""
    monkeypatch.setenv("SLIPWAY_STACK", "staging")

    assert hints.slipway("local", "down") == "slipway down --stack local"


def test_a_command_on_another_home_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """Pasted into another shell it would be about the project's own."""
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "a home"))

    said = hints.slipway("local", "down")

    assert shlex.split(said) == [f"SLIPWAY_HOME={tmp_path}/a home", "slipway", "down"]


def test_a_program_that_is_not_on_path_is_named_by_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """From the project's folder shortly, from elsewhere in full; the shell finds it."""
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.chdir(OURS.parent.parent)
    near = hints.slipway("local", "status")
    monkeypatch.chdir(tmp_path)
    far = hints.slipway("local", "status")

    assert near == f"{OURS.parent.name}/{OURS.name}/slipway status"
    assert far == f"{OURS}/slipway status"
    for folder, line in ((OURS.parent.parent, near), (tmp_path, far)):
        asked = f"{line} --help"
        done = subprocess.run(["sh", "-c", asked], cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0


def test_another_project_s_program_on_path_is_not_taken_for_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """What is called `slipway` there would work on another clone's stacks."""
    other = tmp_path / "slipway"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert hints.slipway("local", "down") == f"{OURS}/slipway down"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status", "-s", "staging"], "run `slipway up --stack staging`"),
        (["predict"], "run `slipway up`"),
        (["secrets", "list", "--stack", "staging"], "run `slipway up --stack staging`"),
        (["traffic", "--stack", "staging"], "run `slipway up --stack staging`"),
    ],
)
def test_what_goes_wrong_in_a_command_is_said_with_its_stack(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """The command line fills it in, whichever command it was."""

    def refuse(*_: object) -> None:
        raise SlipwayError("it is not up: run `slipway up`")

    monkeypatch.setattr("slipway.stack.workspace.exists", refuse)
    monkeypatch.setattr("infra.settings.reading.from_file", refuse)
    monkeypatch.setattr(sys, "argv", ["slipway", *arguments])

    with pytest.raises(SystemExit) as ended:
        program.main()

    assert (ended.value.code, capsys.readouterr().err) == (1, f"slipway: it is not up: {said}\n")


def test_next_steps_are_about_the_stack_that_is_up() -> None:
    """`down` first of all: pasted as it stands it must not destroy another."""
    home, running = Home.of_environment(), Running({}, {})
    staging, local = (
        ProcessTarget(home, stack, Settings()).next_steps(running) for stack in ("staging", "local")
    )

    assert all("--stack staging" in command for command, _ in staging)
    assert staging[-1][0] == "slipway down --stack staging"
    assert local[-1][0] == "slipway down"


def test_the_way_back_from_a_release_is_about_the_same_stack() -> None:
    """It is pasted when something went wrong."""
    console = Console(width=200, record=True)

    tables.released(console, "staging", "challenger", "2", "1")

    assert "back: slipway release 1 --slot challenger --stack staging" in console.export_text()


def test_a_failed_step_s_remedy_is_about_the_run_s_stack() -> None:
    """A step knows of no stack, least of all one in a pod."""
    failure = Failure("train", "no answer", "see `slipway status`")
    result = RunResult("training", "failed", 1.0, failure=failure)
    console = Console(width=200, record=True)

    summary.show_run(console, result, "staging")

    assert "see `slipway status --stack staging`" in console.export_text()
    told = summary.run_as_json(result, "staging")["failure"]
    assert told.remedy == "see `slipway status --stack staging`"


def test_the_commands_without_a_stack_are_those_that_take_none() -> None:
    """An option that a command does not have cannot be pasted."""
    known = dict(_commands(typer.main.get_command(cli.app)))

    without = {name for name, options in known.items() if "stack" not in options}

    assert set(hints.WITHOUT_STACK) == without


def _commands(group, above: str = "") -> Iterator[tuple[str, set[str]]]:
    for name, command in group.commands.items():
        whole = f"{above} {name}".strip()
        if hasattr(command, "commands"):
            yield from _commands(command, whole)
        else:
            yield whole, {parameter.name for parameter in command.params}


NAMES = "|".join(
    sorted({name.split()[0] for name, _ in _commands(typer.main.get_command(cli.app))})
)
COMMAND = re.compile(rf"\bslipway ({NAMES})\b|\bpulumi (up|preview|refresh|destroy|plugin)\b")
KNOWN = re.compile(r"`(slipway|pulumi) [^`]*`")
MESSAGES = re.compile(r"Error$|^Diagnosis$|^NewKey$|^kind$")
NO_MESSAGES = {"Option", "Argument", "Typer", "Field", "plot", "figure"}
"""What describes an option, a setting or a panel names a command; it prescribes none."""


def _texts(path: Path) -> Iterator[tuple[int, str, list[ast.AST]]]:
    """Every text of a source but docstrings, with what it stands in, from outside inwards."""

    def walk(node: ast.AST, above: list[ast.AST]) -> Iterator[tuple[int, str, list[ast.AST]]]:
        if isinstance(node, ast.JoinedStr):
            parts = [x.value if isinstance(x, ast.Constant) else "x" for x in node.values]
            yield node.lineno, "".join(map(str, parts)), above
            children = [x for x in node.values if not isinstance(x, ast.Constant)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if not (above and isinstance(above[-1], ast.Expr)):
                yield node.lineno, node.value, above
            children = []
        else:
            children = list(ast.iter_child_nodes(node))
        for child in children:
            yield from walk(child, [*above, node])

    yield from walk(ast.parse(path.read_text()), [])


def _called(above: list[ast.AST]) -> set[str]:
    calls = [node.func for node in above if isinstance(node, ast.Call)]
    return {getattr(x, "id", getattr(x, "attr", "")) for x in calls}


def _wrong(text: str, above: list[ast.AST]) -> bool:
    """Whether a text names a command that nobody makes whole."""
    called = _called(above)
    if called & NO_MESSAGES:
        return False
    if COMMAND.search(KNOWN.sub("", text)):
        return True
    # In backticks it is made whole where messages come by: errors, findings, remedies.
    return not any(MESSAGES.search(name) for name in called)


def test_no_source_has_a_command_that_names_no_stack() -> None:
    """A literal one is in a message, in backticks, and made whole at the edge; or composed."""
    seen = [
        (f"{path.relative_to(ROOT)}:{line}", text, above)
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, text, above in _texts(path)
        if COMMAND.search(text)
    ]

    assert len(seen) > 20
    assert [f"{place}: {text}" for place, text, above in seen if _wrong(text, above)] == []
