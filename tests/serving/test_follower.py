"""Following aliases and the weight, step by step and without a server."""

from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from serving.agent import wiring
from serving.agent.releases.follower import parse_weight
from serving.agent.releases.metrics import ReleaseMetrics
from serving.config import Config, SlotAliases
from serving.errors import Reason
from serving.models.slots import Slot
from serving.rollout.backoff import Backoff
from serving.rollout.cache import Cache
from serving.rollout.state import path_of, read

MODEL = "flight-delays"
REFUSALS = "slipway_model_load_failures_total"


@pytest.fixture
def config(platform, tmp_path):
    """A server's configuration; looks come from the tests, so nothing is left alone for long."""
    return Config(
        port=1,
        tracking_url=f"http://{platform.address}",
        registry=platform.address,
        model=MODEL,
        cache_dir=str(tmp_path / "cache"),
        poll_seconds=0.000001,
    )


@pytest.fixture
def registry():
    """The metrics of one agent."""
    return CollectorRegistry()


@pytest.fixture
def new_follower(registry):
    """Make followers, as agents do when they start."""
    with httpx.Client(trust_env=False) as client:
        metrics = ReleaseMetrics(MODEL, registry)

        def make(config):
            follower = wiring.follower(config, client, Cache(Path(config.cache_dir)), metrics)
            follower.resume()
            return follower

        yield make


@pytest.fixture
def follower(new_follower, config):
    """One follower."""
    return new_follower(config)


@pytest.fixture
def state(config):
    """What is written for the workers now."""
    return lambda: read(config)


@pytest.fixture
def versions(state):
    """The version in each slot that has one."""
    return lambda: {slot.value: each.release.version for slot, each in state().placed.items()}


def counted(registry, name, **labels):
    """The value of one series."""
    return registry.get_sample_value(name, {"model": MODEL, **labels})


def looks(platform):
    """The paths of all questions to MLflow."""
    return [path.split("?")[0].rsplit("/", 2)[1:] for path in platform.asked if "mlflow" in path]


def test_no_alias_is_a_reason_and_no_failure(follower, state, logged):
    """Before the first release the state says what it waits for, logged once."""
    follower.step()
    follower.step()
    assert state().placed == {}
    assert state().reason == "no version of 'flight-delays' has the alias 'champion' yet"
    assert logged() == ["alias_missing"]


def test_the_champion_is_followed(follower, platform, make_delays, state, logged):
    """Each move of the alias replaces the release, its files by digest."""
    for version, bias in (("1", 0.1), ("2", 0.2)):
        digest = platform.release(version, make_delays(bias))
        follower.step()
        follower.step()
        placed = state().placed[Slot.CHAMPION]
        assert (placed.release.version, placed.digest) == (version, digest)
        assert set(placed.files) == {"model.onnx", "signature.json", "model_card.md"}
    assert logged() == ["model_accepted", "model_accepted"]


def test_all_slots_are_followed(follower, platform, make_delays, versions):
    """Champion, challenger and shadow each have the release of their alias."""
    for number, slot in enumerate(Slot):
        platform.release(str(number), make_delays(number), alias=slot.value)
    follower.step()
    assert versions() == {"champion": "0", "challenger": "1", "shadow": "2"}


def test_other_aliases_may_be_followed(new_follower, config, platform, make_delays):
    """The configuration names the alias of each slot."""
    slots = SlotAliases(champion="live", challenger="b", shadow="c")
    other = replace(config, slots=slots)
    platform.release("1", make_delays(1), alias="live")
    platform.release("2", make_delays(2))
    new_follower(other).step()
    placed = read(other).placed
    assert [each.release.version for each in placed.values()] == ["1"]


def test_one_look_is_one_question(follower, platform, make_delays):
    """Aliases and weight come by one call; a version is asked for when it is new."""
    platform.release("1", make_delays(1))
    platform.release("2", make_delays(2), alias="shadow")
    for _ in range(3):
        follower.step()
    look = ["registered-models", "get"]
    resolve = ["model-versions", "get"]
    assert looks(platform) == [look, resolve, resolve, look, look]


def test_a_model_made_anew_counts_its_versions_anew(follower, platform, make_delays, state):
    """Version 1 of a model that was deleted and made again is another version 1."""
    platform.release("1", make_delays(1))
    follower.step()
    digest = platform.release("1", make_delays(2))
    follower.step()
    assert state().placed[Slot.CHAMPION].digest != digest
    platform.created += 1
    follower.step()
    assert state().placed[Slot.CHAMPION].digest == digest


def test_an_alias_taken_away_empties_its_slot(follower, platform, make_delays, versions, logged):
    """Challenger and shadow are left empty when nobody names them any more, with an event."""
    for number, slot in enumerate(Slot):
        platform.release(str(number), make_delays(number), alias=slot.value)
    follower.step()
    platform.promote("", "challenger")
    platform.promote("", "shadow")
    follower.step()
    follower.step()
    assert versions() == {"champion": "0"}
    assert logged().count("slot_emptied") == 2


def test_a_champion_whose_alias_is_taken_away_stays(follower, platform, make_delays, versions):
    """Somebody must answer."""
    platform.release("1", make_delays(0))
    follower.step()
    platform.promote("")
    follower.step()
    assert versions() == {"champion": "1"}


def test_a_promoted_challenger_is_not_tried_again(follower, platform, make_delays, versions):
    """The same artifact in another slot needs neither registry nor validator."""
    platform.release("1", make_delays(1))
    platform.release("2", make_delays(2), alias="challenger")
    follower.step()
    platform.blobs.clear()
    platform.promote("2")
    platform.promote("", "challenger")
    follower.step()
    assert versions() == {"champion": "2"}


def test_the_weight_is_followed(follower, platform, make_delays, state, logged):
    """The tag sets the weight at the next look; what is no share is said once and left."""
    platform.release("1", make_delays(1))
    follower.step()
    assert state().weight == 0.0
    platform.set_weight(0.25)
    follower.step()
    assert state().weight == 0.25
    for bad in ("1.5", "nan", "a lot", "a lot"):
        platform.set_weight(bad)
        follower.step()
        assert state().weight == 0.25
    assert logged().count("weight_refused") == 3
    del platform.tags["slipway.challenger_weight"]
    follower.step()
    assert state().weight == 0.0


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        *(("0", 0.0), ("1", 1.0), ("0.05", 0.05), (" 0.5 ", 0.5), ("1e-3", 0.001)),
        *(("", None), ("-0.1", None), ("1.01", None), ("inf", None), ("nan", None), ("5%", None)),
    ],
)
def test_a_weight_is_a_number_from_0_to_1(text, weight):
    """Anything else is none."""
    assert parse_weight(text) == weight


@pytest.mark.parametrize("slot", Slot)
def test_a_refused_model_leaves_the_old_one(  # noqa: PLR0913, PLR0917  # fixtures
    follower, platform, make_delays, registry, logged, versions, slot
):
    """A corrupt release is counted, logged and left; the next good one is taken."""
    platform.release("1", make_delays(0.1), alias=slot.value)
    follower.step()
    bad = platform.release("2", make_delays(0.2), alias=slot.value)
    platform.blobs[bad] = b"{}"
    follower.step()
    assert versions() == {slot.value: "1"}
    platform.release("3", make_delays(0.3), alias=slot.value)
    follower.step()
    assert versions() == {slot.value: "3"}
    known = [event for event in logged() if event != "alias_missing"]
    assert known == ["model_accepted", "model_refused", "model_accepted"]
    for each in Slot:
        for reason in Reason:
            expected = float(each is slot and reason is Reason.DIGEST)
            assert counted(registry, REFUSALS, slot=each, reason=reason) == expected


@pytest.mark.parametrize("slot", Slot)
def test_what_was_refused_is_told_until_the_slot_has_what_is_released(
    follower, platform, make_delays, state, slot
):
    """Version, step and fault of the last release stand beside what is in service."""
    platform.release("1", make_delays(0.1), alias=slot.value)
    follower.step()
    bad = platform.release("2", make_delays(0.2), alias=slot.value)
    platform.blobs[bad] = b"{}"
    follower.step()
    told = state().refused[slot]
    assert (told.version, told.reason) == ("2", Reason.DIGEST)
    assert told.error
    platform.release("1", make_delays(0.1), alias=slot.value)
    follower.step()
    assert state().refused == {}


def test_one_bad_slot_does_not_hold_up_the_others(follower, platform, make_delays, versions):
    """A challenger that is refused keeps nobody from following the champion."""
    bad = platform.release("2", make_delays(2), alias="challenger")
    platform.blobs[bad] = b"{}"
    platform.release("1", make_delays(1))
    follower.step()
    assert versions() == {"champion": "1"}


def test_a_refused_model_is_left_alone_for_a_while(  # noqa: PLR0913, PLR0917  # fixtures
    new_follower, config, platform, make_delays, logged, state
):
    """The same release is not tried at every look."""
    follower = new_follower(replace(config, poll_seconds=3600.0))
    bad = platform.release("1", make_delays(0))
    platform.blobs[bad] = b"{}"
    for _ in range(3):
        follower.step()
    assert logged() == ["model_refused"]
    assert state().reason.startswith("version 1 was refused (digest): ")


def test_a_crash_in_a_trial_is_a_refusal(follower, platform, make_delays, monkeypatch, state):
    """Whatever a model makes the loader do, the follower goes on."""

    def crash(*_):
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("serving.agent.releases.validation.load", crash)
    platform.release("1", make_delays(0))
    follower.step()
    assert state().reason == "version 1 was refused (internal): ZeroDivisionError: a fault of ours"


def test_a_tracking_server_that_is_down_changes_nothing(  # noqa: PLR0913, PLR0917  # fixtures
    follower, new_follower, config, platform, make_delays, logged, state, registry
):
    """The state stays as it is, over restarts too, and the trouble is counted and said once."""
    for number, slot in enumerate(Slot):
        platform.release(str(number), make_delays(number), alias=slot.value)
    platform.set_weight(0.5)
    follower.step()
    before = state()
    platform.stop()
    again = new_follower(config)
    again.step()
    again.step()
    assert state() == before
    assert logged().count("tracking_unreachable") == 1
    assert registry.get_sample_value("slipway_tracking_poll_failures_total") == 2.0


def test_blobs_that_are_named_are_never_dropped(follower, platform, make_delays, config, state):
    """Whatever moves through the slots, all files of what is in one are in the cache."""
    cache = Cache(Path(config.cache_dir))
    platform.release("shadow", make_delays(-1), alias="shadow")
    for number in range(8):
        platform.release(str(number), make_delays(number))
        follower.step()
        for placed in state().placed.values():
            assert all(map(cache.intact, placed.blobs()))
    blobs = list((Path(config.cache_dir) / "blobs/sha256").iterdir())
    assert {f"sha256:{path.name}" for path in blobs} == state().blobs()
    # Of each of the champions, now and three before: a manifest and a graph; the rest is shared.
    assert len(blobs) == 2 * (1 + 3 + 1) + 2


def test_a_blob_that_was_lost_is_fetched_again(follower, platform, make_delays, config, logged):
    """Damage in the cache costs a download, while nothing else changes."""
    digest = platform.release("1", make_delays(1))
    follower.step()
    cache = Cache(Path(config.cache_dir))
    (Path(config.cache_dir) / "blobs/sha256" / digest.removeprefix("sha256:")).unlink()
    assert not cache.intact(digest)
    follower.step()
    assert cache.intact(digest)
    assert logged() == ["model_accepted", "cache_repaired"]


def test_a_state_that_cannot_be_written_is_said_and_tried_again(  # noqa: PLR0913, PLR0917  # fixtures
    follower, platform, make_delays, monkeypatch, logged, versions
):
    """A full disk keeps the old state and its blobs; when it takes it, the new one is there."""
    platform.release("1", make_delays(1))
    follower.step()
    platform.release("2", make_delays(2))

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("serving.rollout.state.write", full)
        follower.step()
        follower.step()
        assert versions() == {"champion": "1"}
    follower.step()
    assert versions() == {"champion": "2"}
    told = [event for event in logged() if event.startswith("state")]
    assert told == ["state_not_written", "state_written"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"form": 9}', b"\xff\xfe"])
def test_a_state_that_is_garbage_is_made_anew(  # noqa: PLR0913, PLR0917  # fixtures
    new_follower, config, platform, make_delays, versions, logged, content
):
    """The agent says so and follows the aliases as if there were none."""
    path = path_of(config.cache_dir)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    platform.release("1", make_delays(1))
    new_follower(config).step()
    assert versions() == {"champion": "1"}
    assert logged() == ["state_refused", "model_accepted"]


def test_pauses_double_and_are_bounded():
    """Pauses double to a minute for one release, and begin anew for another."""
    backoff = Backoff(first=2.0)
    pauses = [backoff.failed("one") for _ in range(7)]
    assert pauses == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert not backoff.allows("one")
    assert backoff.allows("two")
    assert backoff.failed("two") == 2.0
