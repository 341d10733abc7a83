"""What a killed operation leaves in the state, and what Pulumi leaves in the settings."""

import gzip
import json
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from infra.errors import StackLockedError, ToolMissingError
from infra.home import Home
from infra.targets.processes import marker
from slipway.stack import environment, recovery, salt, workspace

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


def test_settings_that_another_pulumi_is_writing_are_left_alone(tmp_path: Path) -> None:
    """Each Pulumi passes by every stack's file; one that was half written is not put back."""
    (path := tmp_path / "Pulumi.lab.yaml").touch()

    with salt.kept_in_state(path):
        path.write_text("# Nothing is said here.\nconfig: {}\n")

    assert path.read_text() == "# Nothing is said here.\nconfig: {}\n"


def test_settings_that_say_nothing_keep_their_comments(tmp_path: Path) -> None:
    """Pulumi writes those anew, and nothing but its salt into them."""
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text("# comment\nconfig: {}\n")

    with salt.kept_in_state(path):
        path.write_text(SALT)

    assert path.read_text() == "# comment\nconfig: {}\n"


def test_what_pulumi_sets_stays(tmp_path: Path) -> None:
    """A setting that came while it ran is no salt."""
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text("# comment\nconfig: {}\n")

    with salt.kept_in_state(path):
        path.write_text(PLAIN + SALT)

    assert path.read_text() == PLAIN


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


CHECKPOINT = {"version": 3, "checkpoint": {"latest": {"resources": [{"urn": "u"}]}}}


@pytest.mark.parametrize(
    "name", ["slipway/local.json", "slipway/local.json.gz", "local.json", "local.json.gz"]
)
def test_a_state_is_known_in_every_form(home: Home, name: str) -> None:
    """A person's variables may have had an earlier Pulumi write it so; Pulumi goes on with it."""
    path = home.state / ".pulumi" / "stacks" / name
    path.parent.mkdir(parents=True)
    text = json.dumps(CHECKPOINT).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)

    recovery.clear(home, "local")
    recovery.remove_home(home)

    assert workspace.exists(home, "local")
    assert workspace.resources(home, "local") == [{"urn": "u"}]


def test_a_compressed_state_that_was_cut_off_is_taken_from_its_backup(home: Home) -> None:
    """As one that is not."""
    path = state_file(home).with_suffix(".json.gz")
    whole = gzip.compress(json.dumps(CHECKPOINT).encode())
    path.write_bytes(whole[:20])
    path.with_name(f"{path.name}.bak").write_bytes(whole)

    recovery.clear(home, "local")

    assert path.read_bytes() == whole


def test_what_another_stack_keeps_outlives_the_last_state(home: Home) -> None:
    """Its folder has its data, whatever became of its state."""
    kept = home.stack("other").path / "services" / "tracking" / "data" / "mlflow.db"
    kept.parent.mkdir(parents=True)
    kept.touch()
    home.passphrase.touch()

    recovery.remove_home(home)

    assert kept.exists()
    assert home.passphrase.exists()


def test_a_living_process_keeps_the_home(home: Home) -> None:
    """Though its stack's folder and state are gone."""
    (folder := home.stack("local").path).mkdir(parents=True)
    home.passphrase.touch()
    sleeper = subprocess.Popen(["sleep", "60"], cwd=folder, env={marker.VARIABLE: "any"})
    folder.rmdir()
    try:
        recovery.remove_home(home)
        assert home.passphrase.exists()
    finally:
        sleeper.kill()
        sleeper.wait()
    recovery.remove_home(home)
    assert not home.passphrase.exists()


def fake_pulumi(home: Home, does: str) -> None:
    program = home.tools / "bin" / "pulumi"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)


def test_no_variable_of_a_person_s_reaches_our_pulumi(home: Home, monkeypatch) -> None:
    """But for what the project says itself."""
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_DIY_BACKEND_GZIP", "AWS_PROFILE"):
        monkeypatch.setenv(name, "theirs")
    state_file(home).write_text(json.dumps(CHECKPOINT))
    fake_pulumi(home, 'env | sed \'s/=.*/": ""/; s/^/"/; 1s/^/{/; $!s/$/,/; $s/$/}/\'')

    found = set(workspace.outputs(home, "local"))

    assert {name for name in found if name.startswith(("PULUMI_", "AWS_"))} == {
        name for name in environment.own(home) if name.startswith("PULUMI_")
    }


def test_a_person_s_pulumi_command_has_the_same_environment(home: Home) -> None:
    """The wrapper that `slipway env` puts on PATH composes it, from whatever shell."""
    environment.prepare(home)
    fake_pulumi(home, 'echo "$PULUMI_CONFIG_PASSPHRASE,$PULUMI_HOME,$*"; exit 3')

    done = subprocess.run(
        [home.bin / "pulumi", "preview", "a b"],
        env={"PULUMI_CONFIG_PASSPHRASE": "theirs", "PYTHONPATH": "/nowhere", "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (3, f",{home.pulumi},preview a b\n"), done.stderr


def test_a_missing_pulumi_is_one_line(home: Home) -> None:
    """Where it was looked for, and how to get it."""
    state_file(home).write_text(json.dumps(CHECKPOINT))

    with pytest.raises(ToolMissingError, match=rf"^there is no {home.tools}/bin/pulumi: run"):
        workspace.outputs(home, "local")


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
        (
            "error: Exception calling application: the platform needs more",
            "the platform needs more",
        ),
        (
            "error: returned an error: write /h/local.json.18ec.tmp: no space left on device\n"
            "error: write /h/local.json.18ed.tmp: no space left on device",
            "/h/local.json: no space left on device",
        ),
        ("strange words", "strange words"),
    ],
)
def test_a_cause_is_said_once_and_in_one_line(account: str, said: str) -> None:
    """Of all that Pulumi prints, what went wrong."""
    assert workspace._cause(account) == said


def test_the_address_of_the_state_is_one_whatever_the_home_is_called(tmp_path: Path) -> None:
    """A `#` would begin its fragment, a `?` its options and a `%` a code."""
    home = Home(tmp_path / "a b#c?d%e", tmp_path / "tools")

    address = urlsplit(environment.own(home)["PULUMI_BACKEND_URL"])

    assert (unquote(address.path), address.query) == (str(home.state), "metadata=skip")
