"""A worker's following of the state, step by step and without a server."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from serving.config import Config
from serving.errors import Reason
from serving.metrics.models import ModelMetrics
from serving.models.slots import Placement, Refused, Slot
from serving.rollout.cache import Cache, digest_of
from serving.rollout.loader import Loader
from serving.rollout.state import Owner, PlacedRelease, Release, State, path_of, write
from serving.rollout.trusted_keys import trusted_keys

MODEL = "flight-delays"


@pytest.fixture
def config(tmp_path):
    """A server's configuration; nobody is asked, so the addresses lead nowhere."""
    return Config(
        port=1,
        tracking_url="http://127.0.0.1:9",
        registry="127.0.0.1:9",
        model=MODEL,
        cache_dir=str(tmp_path / "cache"),
    )


class Worker:
    """A loader with what it fills and counts."""

    def __init__(self, config):
        self.registry = CollectorRegistry()
        self.placement = Placement()
        cache = Cache(Path(config.cache_dir))
        metrics = ModelMetrics(config.model, self.registry)
        self.loader = Loader(config, cache, self.placement, metrics)
        self._config = config

    def serves(self):
        """The version of each slot that has one, after a look."""
        self.loader.step()
        slots = {"champion": self.placement.champion, "challenger": self.placement.challenger}
        return {name: model.version for name, model in slots.items() if model is not None}

    def info(self):
        """The slots and versions that the metrics show."""
        samples = [
            sample
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == "slipway_model_info"
        ]
        return {sample.labels["slot"]: sample.labels["version"] for sample in samples}

    def refusals(self, slot, reason):
        """The count of refusals."""
        labels = {"model": MODEL, "slot": slot, "reason": reason}
        return self.registry.get_sample_value("slipway_model_load_failures_total", labels)


@pytest.fixture
def worker(config, monkeypatch):
    """A worker that tries again at once what failed."""
    monkeypatch.setattr("serving.rollout.loader._FIRST_PAUSE", 0.0)
    return Worker(config)


@pytest.fixture
def put(config, make_delays):
    """Put a model's files into the cache; what a state says of it."""

    def place(version, files=None):
        cache = Cache(Path(config.cache_dir))
        titled = (files or make_delays(float(version))).titled()
        for data in titled.values():
            cache.put(digest_of(data), data)
        digests = {title: digest_of(data) for title, data in titled.items()}
        manifest = digest_of(repr(digests).encode())
        return PlacedRelease(Release(version, f"oci://m@{manifest}"), manifest, digests)

    return place


@pytest.fixture(name="write")
def writer(config):
    """Write a state of (slot, placed) pairs."""

    def to(weight=0.0, reason="", refused=None, **placed):
        slots = {Slot(name): each for name, each in placed.items()}
        state = State(Owner.of(config), slots, weight, reason, refused=refused or {})
        write(path_of(config.cache_dir), state)

    return to


def test_before_any_state_it_waits(worker):
    """Without a state there is no model and no failure."""
    assert worker.serves() == {}
    assert worker.placement.reason.startswith("the server is starting")


def test_the_state_is_followed(worker, put, write):
    """Slots and weight are as the state says, shown by the metrics; a shadow is not loaded."""
    write(weight=0.25, champion=put("1"), challenger=put("2"), shadow=put("3"))
    assert worker.serves() == worker.info() == {"champion": "1", "challenger": "2"}
    assert worker.placement.weight == 0.25
    write(weight=0.5, champion=put("3"))
    assert worker.serves() == worker.info() == {"champion": "3"}
    assert worker.placement.weight == 0.5
    weight = worker.registry.get_sample_value("slipway_challenger_weight", {"model": MODEL})
    assert weight == 0.5


def test_why_there_is_no_champion_is_passed_on(worker, write):
    """What the agent says is what callers are told."""
    write(reason="no version has the alias yet")
    worker.serves()
    assert worker.placement.reason == "no version has the alias yet"


def test_what_was_refused_is_passed_on_with_the_worker_s_own(worker, put, write, make_delays):
    """Callers see what failed its trial, and what failed here; neither once it is in service."""
    broken = make_delays(2)
    broken.graph = b"not a graph"
    tried = {Slot.CHALLENGER: Refused("5", Reason.UNTRUSTED, "not ours")}
    write(champion=put("2", broken), shadow=put("3"), refused=tried)
    worker.serves()
    refused = {slot: (x.version, x.reason) for slot, x in worker.placement.refused.items()}
    assert refused == {Slot.CHALLENGER: ("5", "untrusted"), Slot.CHAMPION: ("2", "session")}
    assert worker.placement.shadow == "3"
    write(champion=put("1"))
    worker.serves()
    assert (worker.placement.refused, worker.placement.shadow) == ({}, "")


def test_one_digest_is_one_session(worker, put, write):
    """The same artifact in two slots, or promoted, or as a new version, is loaded once."""
    two = put("2")
    write(champion=put("1"), challenger=two)
    worker.serves()
    session = worker.placement.challenger.session
    write(champion=replace(two, release=Release("3", two.release.source)), challenger=two)
    assert worker.serves() == {"champion": "3", "challenger": "2"}
    assert worker.placement.champion.session is worker.placement.challenger.session is session


@pytest.mark.parametrize("slot", ["champion", "challenger"])
def test_a_failure_leaves_what_is_in_service(worker, put, write, make_delays, logged, slot):  # noqa: PLR0913, PLR0917  # fixtures
    """A model that fails to load or to warm up is counted and logged; the old one stays."""
    write(**{slot: put("1")})
    worker.serves()
    broken = make_delays(2)
    broken.graph = b"not a graph"
    write(**{slot: put("2", broken)})
    assert worker.serves() == {slot: "1"}
    write(**{slot: put("3", make_delays(float("nan")))})
    assert worker.serves() == {slot: "1"}
    refused = {reason: worker.refusals(slot, reason) for reason in ("session", "warmup", "cache")}
    assert refused == {"session": 1.0, "warmup": 1.0, "cache": 0.0}
    assert logged() == ["model_loaded", "model_refused", "model_refused"]
    write(**{slot: put("4")})
    assert worker.serves() == {slot: "4"}


def test_a_file_that_the_cache_has_lost_is_tried_again(worker, put, write, config):
    """A damaged blob is a refusal until somebody has put it back."""
    placed = put("1")
    name = placed.files["model.onnx"].removeprefix("sha256:")
    path = Path(config.cache_dir) / "blobs/sha256" / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    write(champion=placed)
    assert worker.serves() == {}
    assert worker.refusals("champion", "cache") == 1.0
    assert worker.placement.reason.startswith("version 1 was refused (cache): ")
    path.write_bytes(whole)
    assert worker.serves() == {"champion": "1"}


def test_a_failure_is_left_alone_for_a_while(config, put, write, make_delays):
    """What failed is not tried at every look."""
    worker = Worker(config)
    write(champion=put("1", make_delays(float("nan"))))
    for _ in range(3):
        worker.serves()
    assert worker.refusals("champion", "warmup") == 1.0


@pytest.mark.parametrize("content", [b"", b'{"form": 1', b"null", b"\xff"])
def test_a_state_that_is_garbage_is_refused(worker, put, write, config, logged, content):  # noqa: PLR0913, PLR0917  # fixtures
    """A state that cannot be read changes nothing, is said once, and the next one is taken."""
    write(champion=put("1"))
    worker.serves()
    path = path_of(config.cache_dir)
    path.write_bytes(content)
    worker.serves()
    assert worker.serves() == {"champion": "1"}
    path.unlink()
    assert worker.serves() == {"champion": "1"}
    write(champion=put("2"))
    assert worker.serves() == {"champion": "2"}
    assert logged() == ["model_loaded", "state_refused", "model_loaded"]


def test_what_is_not_signed_with_a_trusted_key_is_not_served(config, put, write):
    """After a key was set or taken away, only what was signed with one that is left is served."""
    key, fingerprint = "PEM", next(iter(trusted_keys("PEM")))
    write(champion=put("1"), challenger=replace(put("2"), key=fingerprint))
    worker = Worker(replace(config, public_key=key))
    assert worker.serves() == {"challenger": "2"}
    assert "not signed with a key that is trusted now" in worker.placement.reason
    assert Worker(replace(config, public_key="OTHER")).serves() == {}


def test_a_restart_needs_the_disk_only(config, put, write):
    """A new worker serves what the last state says, challenger and weight included."""
    write(weight=0.125, champion=put("1"), challenger=put("2"))
    worker = Worker(config)
    assert worker.serves() == {"champion": "1", "challenger": "2"}
    assert worker.placement.weight == 0.125
