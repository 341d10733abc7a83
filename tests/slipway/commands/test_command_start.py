"""How the command itself starts, wherever a person stands and whatever their shell has."""

import subprocess
import sys
from pathlib import Path

import pytest

from slipway import exits

SLIPWAY = Path(sys.executable).parent / "slipway"
SHADOWS = ("secrets.py", "numpy.py", "threading.py", "typer.py", "pipelines", "infra", "kfp")


@pytest.fixture
def shadows(tmp_path: Path) -> Path:
    """A folder with modules by names of ours, each of which says so and ends."""
    for name in SHADOWS:
        path = tmp_path / name
        if not path.suffix:
            path.mkdir()
            path /= "__init__.py"
        path.write_text(f"raise SystemExit('{name} was taken from elsewhere')")
    return tmp_path


@pytest.mark.parametrize("command", [[SLIPWAY], [sys.executable, "-m", "slipway"]])
def test_no_module_of_a_person_s_takes_the_place_of_ours(command: list[str], shadows: Path) -> None:
    """Neither from the folder they stand in nor from PYTHONPATH."""
    done = subprocess.run(
        [*command, "status", "--stack", "nowhere"],
        cwd=shadows,
        env={"PYTHONPATH": str(shadows), "SLIPWAY_HOME": str(shadows / "home")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("slipway: there is no stack file Pulumi.nowhere.yaml")


def test_a_disk_with_room_is_not_spoken_of(tmp_path: Path) -> None:
    """And one without is by what is left, for a folder that is not made yet, too."""
    assert exits.full_disk(tmp_path / "not" / "there") == ""
