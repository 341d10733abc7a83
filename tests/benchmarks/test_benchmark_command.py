"""`python -m benchmarks`: refuses what it does not know, and keeps what it has measured."""

from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from benchmarks import __main__ as command


@pytest.fixture
def app(monkeypatch):
    """The command with parts that take no time; `parts` says what each does."""
    started = []

    def part(name):
        started.append(name)
        if name == "steps":
            raise ConnectionError("no answer")
        return f"## {name}\n\nmeasured\n"

    parts = {name: lambda _, name=name: part(name) for name in command.PARTS}
    monkeypatch.setattr(command, "PARTS", parts)
    app = Typer()
    app.command()(command.main)
    return app, started


def run(app, *arguments):
    return CliRunner().invoke(app, arguments)


def test_an_unknown_part_is_refused_before_any_is_measured(app, tmp_path: Path) -> None:
    """Nothing runs for half an hour before a slip of the pen is seen."""
    app, started = app

    answer = run(app, "tenants", "tenant", "--output", str(tmp_path / "page.md"))

    assert answer.exit_code == 2
    assert "there is no part tenant" in answer.output
    assert started == []


def test_what_was_measured_is_kept_when_a_later_part_fails(app, tmp_path: Path) -> None:
    """A part that fails leaves its place as it was, and the command says so by its exit code."""
    app, started = app
    page = tmp_path / "page.md"
    page.write_text("# Benchmarks\n\nof old\n\n## steps\n\nof old\n")

    answer = run(app, "--output", str(page))

    assert answer.exit_code == 1
    assert started == list(command.PARTS)
    text = page.read_text()
    assert text.startswith("# Benchmarks\n\nof old\n\n## steps\n\nof old\n\n## stack\n\nmeasured\n")
    assert text.endswith("## serving\n\nmeasured\n")


def test_a_quick_look_writes_nothing(app, tmp_path: Path) -> None:
    """It is for who tunes the server."""
    app, _ = app
    page = tmp_path / "page.md"

    answer = run(app, "serving", "--quick", "--output", str(page))

    assert answer.exit_code == 0
    assert answer.output == "## serving\n\nmeasured\n\n"
    assert not page.exists()
