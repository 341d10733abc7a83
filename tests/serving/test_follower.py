"""Following an alias, step by step and without a server."""

import json
import logging

import httpx
import pytest

from serving.agent.follower import Follower, Patience
from serving.agent.registry import Registry
from serving.agent.tracking import Mlflow
from serving.cache import Cache
from serving.errors import Reason
from serving.metrics import Metrics
from serving.model import Slot

MODEL = "flight-delays"


@pytest.fixture
def metrics():
    """Metrics of one worker."""
    return Metrics(MODEL)


@pytest.fixture
def new_follower(platform, metrics, tmp_path):
    """Make followers of the stand-in platform, each with a slot, on one cache."""
    address = platform.address
    with httpx.Client(trust_env=False) as client:

        def make(poll_seconds=0.000001):
            slot = Slot()
            cache = Cache(tmp_path / "cache", MODEL, "champion")
            follower = Follower(
                name=MODEL,
                alias="champion",
                poll_seconds=poll_seconds,
                tracking=Mlflow(client, f"http://{address}", MODEL, "champion"),
                registry=Registry(client, address, cache),
                cache=cache,
                slot=slot,
                metrics=metrics,
            )
            return follower, slot

        yield make


@pytest.fixture
def events(caplog, monkeypatch):
    """The names of the events logged so far."""
    monkeypatch.setattr(logging.getLogger("slipway.serving"), "propagate", True)
    caplog.set_level(logging.INFO, "slipway.serving")
    return lambda: [
        record.getMessage() for record in caplog.records if record.name == "slipway.serving"
    ]


def series(metrics, start):
    """The exposed lines that begin with a metric's name."""
    lines = metrics.exposition().decode().splitlines()
    return sorted(line for line in lines if line.startswith(start))


def test_no_alias_is_a_reason_and_no_failure(new_follower, events):
    """Before the first release the slot says what it waits for, logged once."""
    follower, slot = new_follower()
    follower.step()
    follower.step()
    assert slot.model is None
    assert slot.reason == "no version of 'flight-delays' has the alias 'champion' yet"
    assert events() == ["alias_missing"]


def test_the_alias_is_followed(new_follower, platform, make_delays, metrics, events):
    """Each move of the alias replaces the model, and only the one in service is shown."""
    follower, slot = new_follower()
    for version, bias in (("1", 0.1), ("2", 0.2)):
        digest = platform.release(version, make_delays(bias))
        follower.step()
        follower.step()
        assert (slot.model.version, slot.model.digest) == (version, digest)
    assert events() == ["model_loaded", "model_loaded"]
    assert series(metrics, "slipway_model_info") == [
        f'slipway_model_info{{digest="{digest}",model="{MODEL}",version="2"}} 1.0'
    ]
    assert series(metrics, "slipway_model_swaps_total") == [
        f'slipway_model_swaps_total{{model="{MODEL}"}} 2.0'
    ]


def test_the_same_artifact_as_a_new_version_is_not_loaded_again(
    new_follower, platform, make_delays
):
    """A version that points at the digest in service changes the name, not the session."""
    follower, slot = new_follower()
    platform.release("1", make_delays(0))
    follower.step()
    first = slot.model
    platform.release("2", make_delays(0))
    follower.step()
    assert slot.model.version == "2"
    assert slot.model.session is first.session


def test_a_refused_model_leaves_the_old_one(new_follower, platform, make_delays, metrics, events):
    """A corrupt release is counted, logged and left; the next good one is taken."""
    follower, slot = new_follower()
    platform.release("1", make_delays(0.1))
    follower.step()
    bad = platform.release("2", make_delays(0.2))
    platform.blobs[bad] = b"{}"
    follower.step()
    assert slot.model.version == "1"
    platform.release("3", make_delays(0.3))
    follower.step()
    assert slot.model.version == "3"
    assert events() == ["model_loaded", "model_refused", "model_loaded"]
    assert series(metrics, "slipway_model_load_failures_total{") == sorted(
        f'slipway_model_load_failures_total{{model="{MODEL}",reason="{reason}"}} '
        f"{float(reason == Reason.DIGEST)}"
        for reason in Reason
    )


def test_a_refused_model_is_left_alone_for_a_while(new_follower, platform, make_delays, events):
    """The same release is not tried at every look."""
    follower, slot = new_follower(poll_seconds=3600.0)
    bad = platform.release("1", make_delays(0))
    platform.blobs[bad] = b"{}"
    for _ in range(3):
        follower.step()
    assert events() == ["model_refused"]
    assert slot.reason.startswith("version 1 was refused (digest): ")


def test_a_crash_in_loading_is_a_refusal(new_follower, platform, make_delays, monkeypatch):
    """Whatever a model makes the loader do, the follower goes on."""
    follower, slot = new_follower()

    def crash(*_):
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("serving.follower.load", crash)
    platform.release("1", make_delays(0))
    follower.step()
    assert slot.reason == "version 1 was refused (internal): ZeroDivisionError: a fault of ours"


def test_an_alias_taken_away_changes_nothing(new_follower, platform, make_delays):
    """A model in service stays when its alias is removed."""
    follower, slot = new_follower()
    platform.release("1", make_delays(0))
    follower.step()
    platform.promote("")
    follower.step()
    assert slot.model.version == "1"


def test_a_restart_with_everything_down_finds_the_last_good_model(
    new_follower, platform, make_delays, tmp_path, events
):
    """The cache alone is enough to serve, and the trouble is said once."""
    follower, _ = new_follower()
    digest = platform.release("1", make_delays(0))
    follower.step()
    platform.stop()
    after, slot = new_follower()
    after.resume()
    after.step()
    after.step()
    assert (slot.model.version, slot.model.digest) == ("1", digest)
    assert events() == ["model_loaded", "model_loaded", "tracking_unreachable"]
    assert json.loads((tmp_path / "cache/current.json").read_text())["release"] == {
        "version": "1",
        "source": f"oci://models/flight-delays@{digest}",
    }


def test_patience_doubles_and_is_bounded():
    """Pauses double to a minute for one release, and begin anew for another."""
    patience = Patience(first=1.0)
    pauses = [patience.failed("one") for _ in range(7)]
    assert pauses == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert not patience.allows("one")
    assert patience.allows("two")
    assert patience.failed("two") == 2.0
