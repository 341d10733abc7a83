"""What the command line says of itself, and what a shell completes."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.home import ROOT
from pipelines import PIPELINES
from slipway import version as versions
from slipway.commands.main import app
from slipway.runs import pipeline_signatures

SLOW = {"kfp", "mlflow", "pulumi", "numpy", "onnx"}
RUN = (
    "import sys; from slipway.commands.main import app\n"
    "try: app(sys.argv[1:], prog_name='slipway')\n"
)
REPORT = "except SystemExit: print(sorted(set(sys.modules) & {slow}), file=sys.stderr)"


def asked(*arguments: str, **variables: str) -> tuple[str, str]:
    """What a command writes, and which modules it imported that take long."""
    done = subprocess.run(
        [sys.executable, "-c", RUN + REPORT.format(slow=SLOW), *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr.strip()


def test_the_help_of_run_names_pipelines_and_parameters() -> None:
    """Each with type, default and meaning, at once: nothing is imported that takes long."""
    said, slow = asked("run", "--help")

    words = " ".join(said.split())
    for signature in pipeline_signatures.known():
        assert f" {signature.name} {signature.description}" in words
        for each in signature.parameters:
            assert re.search(rf"\b{each.name} +\S", said)
            assert each.meaning in words
    assert "months 1-3 a text Months to learn from" in words
    assert slow == "[]"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("slipway run ", PIPELINES),
        ("slipway run training --set mo", ["months="]),
        ("slipway status --stack k", ["kind"]),
        ("slipway logs se", ["serving"]),
        ("slipway logs sup", ["supervisor"]),
        ("slipway release 1 --slot ch", ["champion", "challenger"]),
        ("slipway secrets sh", ["show"]),
    ],
)
def test_a_shell_completes_names(tmp_path: Path, line: str, expected: list[str]) -> None:
    """Of stacks, pipelines, their parameters, services and slots; nothing slow is imported."""
    (tmp_path / "stacks" / "local" / "services" / "serving").mkdir(parents=True)

    said, slow = asked(
        _SLIPWAY_COMPLETE="complete_bash",
        COMP_WORDS=line,
        COMP_CWORD=str(len(line.split(" ")) - 1),
        SLIPWAY_HOME=str(tmp_path),
    )

    assert (said.split(), slow) == (list(expected), "[]")


def test_the_version_is_that_of_distribution_and_checkout() -> None:
    """As reports of faults need it; the commit is left out where there is none."""
    said = CliRunner().invoke(app, ["--version"], catch_exceptions=False)

    number = re.escape(version("slipway"))
    assert said.exit_code == 0
    assert re.fullmatch(rf"slipway {number}( \([0-9a-f]{{12}}(, changed)?\))?\n", said.stdout)


def test_a_repository_around_it_is_not_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it is installed below somebody's checkout."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    inside = tmp_path / "site"
    inside.mkdir()
    monkeypatch.setattr(versions, "ROOT", inside)

    assert versions.line() == f"slipway {version('slipway')}"
