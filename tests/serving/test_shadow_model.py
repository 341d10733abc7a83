"""The shadow's model in the agent: loaded when asked for, again when the cache is mended."""

import pytest
from prometheus_client import CollectorRegistry

from serving.agent.shadow.model import ShadowModel
from serving.metrics.models import RefusalMetrics, SlotMetrics
from serving.models.slots import Slot
from serving.rollout.cache import Cache, digest_of
from serving.rollout.state import PlacedRelease, Release


class Slotted:
    """A shadow's slot over a cache, with its metrics."""

    def __init__(self, folder):
        self.cache = Cache(folder)
        self.placed = None
        self.registry = CollectorRegistry()
        self.shadow = ShadowModel(
            "m",
            lambda: self.placed,
            self.cache,
            SlotMetrics("m", self.registry),
            RefusalMetrics("m", self.registry),
        )

    def failures(self):
        """How often a lost file was met."""
        labels = {"model": "m", "slot": Slot.SHADOW, "reason": "cache"}
        return self.registry.get_sample_value("slipway_model_load_failures_total", labels)


@pytest.fixture
def slot(tmp_path):
    """An empty slot."""
    return Slotted(tmp_path)


@pytest.fixture
def place(make_delays):
    """A release of the small model, and its files by digest."""

    def make(version, bias):
        titled = make_delays(bias).titled()
        files = {digest_of(data): data for data in titled.values()}
        digests = {title: digest_of(data) for title, data in titled.items()}
        return PlacedRelease(Release(version, "oci://m"), digests["model.onnx"], digests), files

    return make


def put(slot, files):
    """Store blobs."""
    for digest, data in files.items():
        slot.cache.put(digest, data)


def test_the_slots_model_is_loaded_once_and_follows_it(slot, place):
    """Empty, a version, another, empty again: each model is loaded once."""
    assert slot.shadow() is None
    for version in "12":
        slot.placed, files = place(version, int(version))
        put(slot, files)
        model = slot.shadow()
        assert model.version == version
        assert slot.shadow() is model
    slot.placed = None
    assert slot.shadow() is None
    assert slot.failures() == 0


def test_a_model_whose_file_is_lost_is_loaded_when_it_is_back(slot, place, wait_until):
    """Until then there is no shadow, not the one of before; each failure is counted."""
    slot.placed, files = place("1", 1)
    put(slot, files)
    assert slot.shadow().version == "1"
    slot.placed, files = place("2", 2)
    slot.shadow._backoff._pauses.first = 0.01
    assert slot.shadow() is None
    assert slot.failures() == 1
    put(slot, files)
    assert wait_until(slot.shadow, "the model").version == "2"
