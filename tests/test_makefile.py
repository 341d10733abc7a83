"""`make env`: the environment belongs to its clone, and what was copied or moved is made anew."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MADE_ANEW = "rm -rf .venv"


def pretend(clone: Path, imported_from: Path) -> None:
    """An environment whose interpreter imports the project from a folder."""
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\nprintf '%s\\n' '{imported_from}'\n")
    python.chmod(0o755)
    (clone / ".venv" / ".ready").write_text(f"{clone}\n")


@pytest.fixture(params=["clone", "a clone (of mine)"])
def clone(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A clone with its environment."""
    made = tmp_path / request.param
    made.mkdir()
    for name in ("Makefile", "requirements.lock", "requirements-own.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, made)
    pretend(made, made)
    return made


def plan(clone: Path, **variables: str) -> str:
    """What `make env` would do."""
    given = [f"{name}={value}" for name, value in variables.items()]
    done = subprocess.run(
        ["make", "-n", "env", *given], cwd=clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_environment_in_its_place_is_left_alone(clone: Path) -> None:
    """Nothing to be done, also for one from before stamps had a text."""
    assert "Nothing to be done" in plan(clone)

    (clone / ".venv" / ".ready").write_text("")
    assert "Nothing to be done" in plan(clone)


@pytest.mark.parametrize("how", ["copied", "moved"])
def test_a_clone_at_another_place_gets_an_environment_of_its_own(clone: Path, how: str) -> None:
    """What was copied along runs the code of the first, and would end its platform."""
    other = clone.with_name("other")
    shutil.copytree(clone, other) if how == "copied" else clone.rename(other)

    assert f'test -z "foreign" || {MADE_ANEW}' in plan(other)


def test_an_installation_that_leads_elsewhere_is_made_anew(clone: Path) -> None:
    """Whatever its stamp says."""
    shutil.rmtree(clone / ".venv")
    pretend(clone, clone.with_name("other"))

    assert f'test -z "foreign" || {MADE_ANEW}' in plan(clone)


def test_an_interpreter_that_is_gone_is_replaced(clone: Path) -> None:
    """A link that leads nowhere, as after an upgrade of the system's Python."""
    python = clone / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")

    assert f'test -z "foreign" || {MADE_ANEW}' in plan(clone)


def test_a_changed_lock_is_installed_into_what_is_there(clone: Path) -> None:
    """No more is made anew than must be."""
    (clone / ".venv" / ".ready").touch()
    stamp = (clone / ".venv" / ".ready").stat().st_mtime
    for name in ("requirements.lock", "requirements-own.lock", "pyproject.toml"):
        (clone / name).touch()
        os.utime(clone / name, (stamp + 10, stamp + 10))

    said = plan(clone)

    assert "pip sync" in said
    assert 'test -z "" ||' in said


def test_a_home_of_several_words_is_one_word(clone: Path) -> None:
    """Where uv lies is quoted wherever it is called."""
    (clone / ".venv" / ".ready").unlink()

    said = plan(clone, TOOLS="/my tools")

    assert '"/my tools/uv/bin/uv" pip sync' in said or "uv pip sync" in said.replace('"', "")


@pytest.mark.parametrize("sign", [":", "%"])
def test_a_sign_that_cannot_be_is_said_before_anything_is_made(clone: Path, sign: str) -> None:
    """The first command's first line names the folder and the sign."""
    other = clone.with_name(f"a{sign}b")
    clone.rename(other)

    done = subprocess.run(["make", "env"], cwd=other, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert done.stderr.startswith(
        f"make: {other}, the folder of the project, has : or % in its path"
    )
    assert (other / ".venv" / "bin").exists()
