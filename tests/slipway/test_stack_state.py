"""What a killed operation leaves in the state, and what Pulumi leaves in the settings."""

import json
from pathlib import Path

import pytest

from infra.errors import StackLockedError
from infra.home import Home
from slipway.stack import recovery, salt, workspace

SALT = "encryptionsalt: v1:abc=:v1:def:ghi==\n"
PLAIN = "# comment\nconfig:\n  slipway:serving:\n    workers: 1\n"
ENCRYPTED = f"{PLAIN}  slipway:x:\n    secure: v1:abc\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path / "home", tmp_path / "tools")


def state_file(home: Home) -> Path:
    path = home.state / ".pulumi" / "stacks" / "slipway" / "local.json"
    path.parent.mkdir(parents=True)
    return path


def test_a_salt_is_taken_out_of_settings(tmp_path: Path) -> None:
    """Comments, values and mode stay."""
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(PLAIN)
    path.chmod(0o644)

    with salt.kept_in_state(path):
        path.write_text(PLAIN + SALT)

    assert path.read_text() == PLAIN
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_salt_that_encrypted_values_need_is_kept(tmp_path: Path) -> None:
    """Without it they could not be read."""
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(ENCRYPTED + SALT)

    with salt.kept_in_state(path):
        pass

    assert path.read_text() == ENCRYPTED + SALT


def test_a_state_that_was_cut_off_is_taken_from_its_backup(home: Home) -> None:
    """A kill while Pulumi writes costs one step, not the state."""
    path = state_file(home)
    path.write_text('{"version": 3, "check')
    whole = json.dumps({"version": 3, "checkpoint": {}})
    path.with_name("local.json.bak").write_text(whole)

    recovery.clear(home, "local")

    assert path.read_text() == whole


def test_an_empty_first_state_is_begun_anew(home: Home) -> None:
    """There was nothing in it yet."""
    path = state_file(home)
    path.write_text("")

    recovery.clear(home, "local")

    assert not path.exists()


def test_a_lock_of_a_dead_pulumi_is_removed(home: Home) -> None:
    """Nobody needs to run `pulumi cancel`."""
    path = home.state / ".pulumi" / "locks" / "organization" / "slipway" / "local" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"pid": 2**22 + 1}))

    recovery.clear(home, "local")

    assert not path.exists()


def test_a_lock_of_a_living_pulumi_is_respected(home: Home, monkeypatch) -> None:
    """Whoever runs `pulumi up` by hand is not cut off."""
    path = home.state / ".pulumi" / "locks" / "organization" / "slipway" / "local" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"pid": 4711}))

    class Living:
        pid = 4711

        def name(self) -> str:
            return "pulumi"

    monkeypatch.setattr(recovery.psutil, "Process", lambda pid: Living())

    with pytest.raises(StackLockedError, match=r"locked by pulumi \(pid 4711\)"):
        recovery.clear(home, "local")
    assert path.exists()


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ("error: update failed\nerror: get stack: no such stack", "get stack: no such stack"),
        (
            "Exception: calling create: Exception: infra.errors.ServiceFailedError: x did not"
            " come up\nerror: update failed",
            "x did not come up",
        ),
        (
            "error: port 1 is taken\nerror: an unhandled error occurred: port 1 is taken",
            "port 1 is taken",
        ),
        ("strange words", "strange words"),
    ],
)
def test_a_cause_is_said_once_and_in_one_line(account: str, said: str) -> None:
    """Of all that Pulumi prints, what went wrong."""
    assert workspace._cause(account) == said
