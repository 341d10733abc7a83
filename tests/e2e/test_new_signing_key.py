"""A new signing key: what is released stays servable, and the next model is signed with it."""

import json
import shutil

import httpx
import pytest
import yaml

from infra.home import stack_file

pytestmark = [pytest.mark.e2e]

STACK = "test-signing-key"


@pytest.fixture
def settle(cli):
    """Brings the stack up with the key of a count; its file and all it made goes afterwards."""
    path = stack_file(STACK)

    def up(count: int) -> dict:
        serving = {"signing": {"key": count}}
        path.write_text(yaml.safe_dump({"config": {"slipway:serving": serving}}))
        return cli("up", "--stack", STACK, "--json").json

    try:
        yield up
    finally:
        done = cli("down", "--yes", "--stack", STACK)
        path.unlink(missing_ok=True)
        assert done.code == 0, done.err


def test_a_counted_key_leaves_the_released_model_servable(cli, settle) -> None:
    """By a server that has forgotten it, too: it is fetched and verified anew."""
    settle(1)
    service = cli.home.stack(STACK).service("serving")
    before = json.loads((service / "config/serving.json").read_text())["public_key"]
    shutil.rmtree(service / "data/blobs")
    (service / "data/state.json").unlink()

    summary = settle(2)

    after = json.loads((service / "config/serving.json").read_text())["public_key"]
    assert after.count("BEGIN PUBLIC KEY") == 2
    assert after.endswith(before)
    assert summary["prediction"]["version"] == "1"
    [serving] = [each["url"] for each in summary["services"] if each["name"] == "serving"]
    metrics = httpx.get(serving.replace("/v2", "/metrics")).text
    refused = [line for line in metrics.splitlines() if line.startswith("slipway_model_load_fail")]
    assert refused
    assert {float(line.split()[-1]) for line in refused} == {0.0}
