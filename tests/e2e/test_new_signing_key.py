"""Settings of trust that change: what is released stays servable, or the way out is said first."""

import json
import shutil

import httpx
import pytest
import yaml

from infra.home import stack_file

pytestmark = [pytest.mark.e2e]

STACK = "test-signing-key"


def choose(**signing: object) -> None:
    """Write the stack's settings of trust."""
    settings = {"config": {"slipway:serving": {"signing": signing}}}
    stack_file(STACK).write_text(yaml.safe_dump(settings))


@pytest.fixture
def settle(cli):
    """Brings the stack up with settings of trust; its file and all it made goes afterwards."""

    def up(**signing: object):
        choose(**signing)
        return cli("up", "--stack", STACK, "--json")

    try:
        yield up
    finally:
        done = cli("down", "--yes", "--stack", STACK)
        stack_file(STACK).unlink(missing_ok=True)
        assert done.code == 0, done.err


def forget(service) -> None:
    """Let the server know nothing of what it served, so that it must verify anew."""
    shutil.rmtree(service / "data/blobs")
    (service / "data/state.json").unlink()


def test_trust_outlives_its_settings(cli, settle) -> None:
    """A model that was released while no signature was asked for is served once one is.

    And where a change would end the trust in it, that is said before; the server says why it
    refuses, and signing anew is the way out.
    """
    service = cli.home.stack(STACK).service("serving")
    assert settle(signatures="off").json["prediction"]["version"] == "1"
    forget(service)
    assert settle(signatures="required").json["prediction"]["version"] == "1"
    assert settle(key=2).json["prediction"]["version"] == "1"

    said = (
        "version 1 (champion) is signed with no key that these settings trust, and will be refused"
    )
    choose(key=3)
    assert said in " ".join(cli.pulumi("preview", "--stack", STACK).out.split())

    refused = settle(key=3)

    assert refused.code == 1
    assert said in " ".join(refused.err.split())
    assert "serving refused version 1 (untrusted)" in refused.err
    assert f"slipway models resign 1 --stack {STACK}`; see docs" in refused.err

    signed = cli("models", "resign", "--yes", "--stack", STACK)
    assert signed.code == 0, signed.err
    assert "signed by a key that this stack does not know; in use as champion" in signed.out
    assert settle(key=3).json["prediction"]["version"] == "2"
    again = cli("models", "resign", "--stack", STACK)
    assert again.out.splitlines()[1:] == [
        "signed by the stack's key; in use as champion",
        "nothing to do",
    ]


def test_a_counted_key_leaves_the_released_model_servable(cli, settle) -> None:
    """By a server that has forgotten it, too: it is fetched and verified anew."""
    settle(key=1)
    service = cli.home.stack(STACK).service("serving")
    before = json.loads((service / "config/serving.json").read_text())["public_key"]
    forget(service)

    summary = settle(key=2).json

    after = json.loads((service / "config/serving.json").read_text())["public_key"]
    assert after.count("BEGIN PUBLIC KEY") == 2
    assert after.endswith(before)
    assert summary["prediction"]["version"] == "1"
    [serving] = [each["url"] for each in summary["services"] if each["name"] == "serving"]
    metrics = httpx.get(serving.replace("/v2", "/metrics")).text
    refused = [line for line in metrics.splitlines() if line.startswith("slipway_model_load_fail")]
    assert refused
    assert {float(line.split()[-1]) for line in refused} == {0.0}
