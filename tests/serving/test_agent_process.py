"""The agent as a process beside the workers: its life, its death and what does not depend on it."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from components.package import signing
from components.registry_oci import Layer
from infra.signing_keys import make_key_pair

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"
NOWHERE = "127.0.0.1:9"


def lives(process):
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def served(launch, platform, make_delays, wait_until):
    """A server of version 1."""
    platform.release("1", make_delays(1))
    server = launch(platform.address)
    wait_until(lambda: server.serves("1"), "version 1")
    return server


def test_a_killed_agent_is_missed_by_nobody(  # noqa: PLR0913, PLR0917  # fixtures
    served, platform, make_delays, flights, wait_until, load
):
    """SIGKILL of the agent fails no request, and its successor follows the next release."""
    with load(served.url + INFER, flights(("AA", 0, 0))) as calls:
        for version in ("2", "3"):
            agent = wait_until(served.agent, "an agent")
            os.kill(agent.pid, signal.SIGKILL)
            wait_until(lambda pid=agent.pid: successor(served, pid), "the next agent")
            platform.release(version, make_delays(float(version)))
            wait_until(lambda v=version: v in calls.versions(), f"version {version}")
    assert calls.failures == []
    ended = served.events("agent_ended")
    assert [event["code"] for event in ended] == [-9, -9]
    assert ended[0]["restart_seconds"] < ended[1]["restart_seconds"]


def successor(server, pid):
    """Another agent than the one of that pid."""
    agent = server.agent()
    return agent if agent is not None and agent.pid != pid else None


def test_no_agent_outlives_a_killed_server(launch, wait_until):
    """SIGKILL of the main process ends the agent."""
    server = launch(NOWHERE)
    agent = wait_until(server.agent, "the agent")
    server.process.kill()
    server.process.wait(30)
    wait_until(lambda: not lives(agent), "the agent's end")


def test_sigterm_ends_the_agent(served):
    """A server that is stopped leaves no agent, and none is started in its last moments."""
    agent = served.agent()
    assert served.stop() == 0
    assert not lives(agent)
    assert served.events("agent_stopped")
    assert not served.events("agent_ended")


def test_sigterm_at_the_start_leaves_no_agent(launch, wait_until):
    """A stop that meets the agent before it listens to signals is not lost on it."""
    server = launch(NOWHERE, live=False)
    agent = wait_until(server.agent, "the agent")
    server.stop()
    wait_until(lambda: not lives(agent), "the agent's end")


def test_a_frozen_agent_changes_nothing(served, flights, wait_until, load):
    """An agent that hangs fails no request, and does not keep the server from ending."""
    agent = served.agent()
    agent.suspend()
    with load(served.url + INFER, flights(("AA", 0, 0))) as calls:
        wait_until(lambda: calls.latest() == {"1"}, "answers")
    assert calls.failures == []
    assert served.stop() == 0
    assert not lives(agent)


def run(config, *more):
    """The agent by hand."""
    argv = [sys.executable, "-m", "serving.agent", "--config", str(config), *more]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_bad_configuration_is_exit_2(tmp_path):
    """By hand too, a configuration that cannot be used is one line on stderr."""
    path = tmp_path / "serving.json"
    path.write_text("{}")
    ended = run(path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"serving.agent: {path}: Object missing required field")


def test_an_agent_whose_parent_is_gone_ends(tmp_path):
    """A parent that died before the agent looked is noticed too."""
    path = tmp_path / "serving.json"
    config = {
        "port": 1,
        "tracking_url": f"http://{NOWHERE}",
        "registry": NOWHERE,
        "model": MODEL,
        "cache_dir": str(tmp_path / "cache"),
    }
    path.write_text(json.dumps(config))
    assert run(path, "--parent", "1").returncode == 0


@pytest.fixture
def sign(tmp_path):
    """Add to a model's files a signature made with a key; all of them."""

    def to(files, key):
        titled = files.titled()
        layers = tuple(Layer(title, "", data) for title, data in titled.items())
        return Signed(titled | {"model.sig": signing.sign(MODEL, layers, key).content})

    return to


class Signed:
    """An artifact of any files."""

    def __init__(self, files):
        self.files = files

    def titled(self):
        """The layers' bytes by title."""
        return self.files


def test_only_what_the_key_signed_is_served(launch, platform, make_delays, sign, wait_until):
    """A server with a public key refuses what is not signed, or by another key, or torn."""
    keys = make_key_pair()
    platform.release("1", sign(make_delays(1), keys.private_pem))
    server = launch(platform.address, public_key=keys.public_pem)
    wait_until(lambda: server.serves("1"), "the signed version 1")
    torn = sign(make_delays(2), keys.private_pem)
    torn.files["model.sig"] = torn.files["model.sig"][:-20]
    other = sign(make_delays(3), make_key_pair().private_pem)
    swapped = sign(make_delays(4), keys.private_pem)
    swapped.files["model.onnx"] = make_delays(5).graph
    faults = {"2": torn, "3": other, "4": swapped, "5": make_delays(5)}
    for version, files in faults.items():
        platform.release(version, files)
        wait_until(lambda v=version: refusal(server, v), f"the refusal of version {version}")
    assert {version: refusal(server, version) for version in faults} == {
        **dict.fromkeys("234", "untrusted"),
        "5": "unsigned",
    }
    assert server.serves("1")
    labels = f'model="{MODEL}",reason="unsigned",slot="champion"'
    assert server.metric(f"slipway_model_load_failures_total{{{labels}}}") >= 1
    platform.release("6", sign(make_delays(6), keys.private_pem))
    wait_until(lambda: server.serves("6"), "the signed version 6")


def refusal(server, version):
    """Why a version was refused, or None while it was not."""
    reasons = [e["reason"] for e in server.events("model_refused") if e["version"] == version]
    return reasons[0] if reasons else None
