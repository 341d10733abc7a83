"""Slots by a real MLflow server: what is released where, how traffic is split, and back again."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from contracts.slots import WEIGHT_TAG
from infra.errors import SettingsError, SlipwayError
from infra.settings.serving import Serving
from slipway.exits import NotUpError
from slipway.models import slots
from slipway.models.slots import Slots
from slipway.stack.running import Running

API = "/api/2.0/mlflow"


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's server over a database of its own, as the platform runs it."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = f"sqlite:///{folder}/mlflow.db"
    environment = os.environ | {
        "_MLFLOW_SERVER_FILE_STORE": store,
        "_MLFLOW_SERVER_REGISTRY_STORE": store,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    command = [sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app"]
    server = subprocess.Popen(
        [*command, "--port", str(port), "--log-level", "error"], env=environment, cwd=folder
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(url, server)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_until_healthy(url: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + 200
    while True:
        try:
            if httpx.get(f"{url}/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
        assert server.poll() is None
        assert time.monotonic() < deadline, "MLflow did not come up"


@pytest.fixture
def of(mlflow: str, request: pytest.FixtureRequest) -> Slots:
    """The slots of a model of this test's own with two versions; no model server answers."""
    model = "m" + str(abs(hash(request.node.name)))
    with httpx.Client(base_url=f"{mlflow}{API}", timeout=60) as client:
        client.post("/registered-models/create", json={"name": model}).raise_for_status()
        for digest in ("sha256:1", "sha256:2"):
            body = {"name": model, "source": f"oci://models/x@{digest}"}
            made = client.post("/model-versions/create", json=body)
            assert made.is_success, made.text
    return Slots(_running(mlflow), Serving(model=model))


def _running(mlflow: str) -> Running:
    # What serves answers nothing that it could be taken for: it is MLflow, too.
    return Running({"tracking": {"url": mlflow}, "serving": {"url": mlflow}}, {})


def versions(of: Slots) -> dict[str, str]:
    return {slot.name: slot.version for slot in of.list()}


def test_a_release_moves_a_slot_and_says_what_was_there(of: Slots) -> None:
    """And so it can be taken back, for each slot for itself."""
    assert of.release("1", "champion") == ""
    assert of.release("2", "shadow") == ""
    assert of.release("2", "champion") == "1"
    assert versions(of) == {"champion": "2", "challenger": "", "shadow": "2"}
    assert of.release("1", "champion") == "2"
    assert of.release("none", "shadow") == "2"
    assert of.release("none", "shadow") == ""
    assert versions(of) == {"champion": "1", "challenger": "", "shadow": ""}


def test_the_challenger_gets_its_share_once_there_is_one(of: Slots) -> None:
    """A weight without a challenger changes nothing; the shadow has no share."""
    of.release("1", "champion")
    of.set_weight(0.25)
    before = {slot.name: slot.share for slot in of.list()}

    of.release("2", "challenger")

    assert before == {"champion": 1, "challenger": 0, "shadow": 0}
    assert {slot.name: slot.share for slot in of.list()} == {
        "champion": 0.75,
        "challenger": 0.25,
        "shadow": 0,
    }


def test_slots_follow_the_aliases_that_settings_name(of: Slots) -> None:
    """Two servers may follow aliases of their own of one model."""
    other = Slots(of.running, of.serving.model_copy(update={"slots": _slots_of("blue")}))

    other.release("2", "champion")

    assert versions(other)["champion"] == "2"
    assert versions(of)["champion"] == ""


def _slots_of(champion: str) -> object:
    return Serving(slots={"champion": champion}).slots


@pytest.mark.parametrize(
    ("version", "slot", "said"),
    [
        ("9", "champion", "has no version 9: see MLflow's page"),
        ("x", "champion", "has no version x: see MLflow's page"),
        ("none", "champion", "the champion cannot be none: name another version"),
        ("1", "winner", "--slot winner: there are champion, challenger, shadow"),
    ],
)
def test_a_release_that_cannot_be_is_one_line(
    of: Slots, version: str, slot: str, said: str
) -> None:
    """And nothing is moved."""
    of.release("1", "champion")

    with pytest.raises(SettingsError) as refused:
        of.release(version, slot)

    assert said in str(refused.value)
    assert versions(of) == {"champion": "1", "challenger": "", "shadow": ""}


def test_a_tag_that_is_no_weight_is_named(of: Slots) -> None:
    """Somebody else may have written it; the way to mend it is said."""
    of.release("1", "challenger")
    body = {"name": of.serving.model, "key": WEIGHT_TAG, "value": "much"}
    httpx.post(f"{of.running.url('tracking')}{API}/registered-models/set-tag", json=body)

    with pytest.raises(SlipwayError, match="is 'much': set it by `slipway traffic`"):
        of.list()


def test_a_model_that_nobody_registered_is_said(mlflow: str) -> None:
    """With what registers one."""
    nothing = Slots(_running(mlflow), Serving(model="nothing"))

    with pytest.raises(NotUpError, match="no model nothing is registered: run `slipway run"):
        nothing.list()
    with pytest.raises(NotUpError):
        nothing.set_weight(0.5)


@pytest.mark.parametrize("text", ["1.5", "-0.1", "nan", "inf", "ten", ""])
def test_a_share_is_a_number_from_0_to_1(text: str) -> None:
    """What is none is named, before anything is asked."""
    with pytest.raises(SettingsError, match=r"should be a number from 0 to 1, as 0\.1"):
        slots.weight(text)


def test_shares_as_people_write_them() -> None:
    """Both ends are meant."""
    assert [slots.weight(text) for text in ("0", "0.1", "1")] == [0, 0.1, 1]
