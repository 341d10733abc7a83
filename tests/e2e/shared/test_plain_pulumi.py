"""After `slipway up`, Pulumi's own CLI works on the same stack; and it heals what broke.

It writes its salt beside the settings for as long as it runs, so two of them, with stacks of
two homes, must not run at once: whatever test calls it stands in this folder.
"""

import json
import socket

import pytest

from infra.home import stack_file
from infra.targets.processes import marker, supervisor

pytestmark = [pytest.mark.e2e]

PUBLIC = "signing-key-public"
"""Stands with the secrets as a value of the stack's, and is none."""


def test_a_preview_shows_no_change(platform) -> None:
    """What `slipway up` left is what the program describes."""
    done = platform.cli.pulumi("preview", "--stack", platform.cli.stack, "--expect-no-changes")

    assert done.code == 0, done.out + done.err


def test_plain_pulumi_knows_the_stack_that_is_up(platform, monkeypatch) -> None:
    """No one has to name it, and what a person says to their own Pulumi is not for this one."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "theirs")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///nowhere")
    assert platform.cli("env").code == 0

    done = platform.cli.pulumi("preview", "--expect-no-changes")

    assert done.code == 0, done.out + done.err


def test_an_up_changes_nothing(platform) -> None:
    """A second `up`, by Pulumi itself, finds all as it should be."""
    done = platform.cli.pulumi("up", "--stack", platform.cli.stack, "--yes", "--expect-no-changes")

    assert done.code == 0, done.out + done.err


def test_outputs_hide_their_secrets(platform) -> None:
    """`pulumi stack output` shows addresses, and no secret unless it is asked to."""
    shown = json.loads(
        platform.cli.pulumi("stack", "output", "--stack", platform.cli.stack, "--json").out
    )

    assert {value for name, value in shown["secrets"].items() if name != PUBLIC} == {"[secret]"}
    assert shown["services"]["serving"]["url"] == platform.url("serving")


def test_the_state_holds_no_secret_in_plain(platform) -> None:
    """Neither the state nor any log of a service has a generated secret in it."""
    home = platform.cli.home
    shown = platform.cli.pulumi(
        "stack", "output", "--stack", platform.cli.stack, "--json", "--show-secrets"
    )
    everything = json.loads(shown.out)["secrets"]
    secrets = [value for name, value in everything.items() if name != PUBLIC]
    assert secrets
    files = [*home.state.rglob("*"), *home.path.rglob("*.log")]
    texts = {path: path.read_text(errors="replace") for path in files if path.is_file()}

    found = [path for path, text in texts.items() for secret in secrets if secret in text]

    assert found == []


def test_the_settings_stay_as_they_are(platform, settings_of_tests) -> None:
    """Standing a platform up leaves its file as it was written, so a clone stays clean."""
    assert stack_file(platform.cli.stack).read_text() == settings_of_tests


def test_a_refresh_sees_a_process_that_was_removed_and_an_up_brings_it_back(platform) -> None:
    """Drift is seen, shown, and mended; nothing else is touched."""
    stack = platform.cli.folder
    before = supervisor.states(stack)
    supervisor.remove(stack, "alertmanager")

    seen = platform.cli.pulumi("preview", "--stack", platform.cli.stack, "--json")
    healed = platform.cli.pulumi("up", "--stack", platform.cli.stack, "--yes")

    assert json.loads(seen.out)["changeSummary"]["create"] == 1
    assert healed.code == 0, healed.out
    after = supervisor.states(stack)
    assert set(after) == set(before)
    assert {name: state.pid for name, state in after.items() if name != "alertmanager"} == {
        name: state.pid for name, state in before.items() if name != "alertmanager"
    }


def test_a_changed_setting_updates_one_service(platform, tmp_path) -> None:
    """The preview of a changed setting shows what it changes, and nothing else."""
    changed = tmp_path / f"Pulumi.{platform.cli.stack}.yaml"
    changed.write_text("config: {slipway:monitoring: {retention: 30d}}")

    shown = platform.cli.pulumi(
        *("preview", "--stack", platform.cli.stack, "--json"),
        *("--config-file", str(changed)),
    )

    steps = json.loads(shown.out)["steps"]
    changed = [step["urn"].rsplit("::")[-1] for step in steps if step["op"] == "update"]
    assert changed == ["prometheus"]


def test_plain_pulumi_can_destroy_and_down_leaves_nothing(brief) -> None:
    """No process, no port, no file of the stack is left, whichever command ends it."""
    stack = brief.folder
    services = brief("up", "--no-train", "--json").json["services"]
    ports = [int(service["url"].split(":")[2].split("/")[0]) for service in services]

    destroyed = brief.pulumi("destroy", "--stack", brief.stack, "--yes")
    assert destroyed.code == 0, destroyed.out + destroyed.err
    assert list(marker.processes(stack.path)) == []
    assert not stack.path.exists()
    assert [port for port in ports if _is_listening(port)] == []

    assert brief("down", "--yes").code == 0
    assert [path for path in brief.home.path.rglob("*") if path.is_file()] == []


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
