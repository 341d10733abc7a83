"""Metrics of models on their way into service, of agent and workers alike.

Owns names and labels: slots, reasons and the configured model, never a client's text.
"""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge

from contracts.metrics import (
    CHALLENGER_WEIGHT,
    MODEL_INFO,
    MODEL_LOAD_FAILURES,
    MODEL_LOAD_SECONDS,
    MODEL_READY,
    MODEL_SWAPS,
)
from serving.errors import Reason
from serving.models.model import Model
from serving.models.slots import Slot

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client reads it when it is imported; the main process sets it before its children."""


class RefusalMetrics:
    """Models that were not taken into service, by whichever process refused them."""

    def __init__(self, model: str, registry: CollectorRegistry) -> None:
        self.model = model
        self._failures = Counter(
            MODEL_LOAD_FAILURES,
            "Models that were not taken into service.",
            ["model", "slot", "reason"],
            registry=registry,
        )
        for slot in Slot:
            for reason in Reason:
                self._failures.labels(model, slot, reason)

    def refused(self, slot: Slot, reason: Reason) -> None:
        """Count a model that was not taken into service."""
        self._failures.labels(self.model, slot, reason).inc()


class SlotMetrics:
    """The model in each slot of one process."""

    def __init__(self, model: str, registry: CollectorRegistry) -> None:
        self._shares_files = FOLDER_VARIABLE in os.environ
        self._info = Gauge(
            MODEL_INFO,
            "1 for the version in a slot.",
            ["model", "slot", "version", "digest"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._seconds = Gauge(
            MODEL_LOAD_SECONDS,
            "What the model in a slot took to load and warm up, on the slowest worker.",
            ["model", "slot"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._swaps = Counter(
            MODEL_SWAPS,
            "Models taken into service.",
            ["model", "slot"],
            registry=registry,
        )
        for slot in Slot:
            self._swaps.labels(model, slot)
        self._current: dict[Slot, tuple[str, str, str, str]] = {}

    def loaded(self, slot: Slot, model: Model, seconds: float) -> None:
        """Note the model that is in a slot from now on, and what loading it took."""
        self.emptied(slot)
        labels = (model.name, str(slot), model.version, model.digest)
        self._current[slot] = labels
        self._info.labels(*labels).set(1)
        self._seconds.labels(model.name, slot).set(seconds)
        self._swaps.labels(model.name, slot).inc()

    def emptied(self, slot: Slot) -> None:
        """Note that a slot's model is no longer in service."""
        labels = self._current.pop(slot, None)
        if labels is None:
            return
        # Series in shared files cannot be removed; zeros are left out when they are read.
        if self._shares_files:
            self._info.labels(*labels).set(0)
        else:
            self._info.remove(*labels)


class ModelMetrics(RefusalMetrics, SlotMetrics):
    """Metrics of a worker's models. The agent has none of these: its models take no traffic."""

    def __init__(self, model: str, registry: CollectorRegistry) -> None:
        RefusalMetrics.__init__(self, model, registry)
        SlotMetrics.__init__(self, model, registry)
        self._ready = Gauge(
            MODEL_READY,
            "1 when every worker has a champion.",
            ["model"],
            registry=registry,
            multiprocess_mode="livemin",
        ).labels(model)
        self.weight = Gauge(
            CHALLENGER_WEIGHT,
            "Share of the routing keys that the challenger answers.",
            ["model"],
            registry=registry,
            multiprocess_mode="livemostrecent",
        ).labels(model)

    def loaded(self, slot: Slot, model: Model, seconds: float) -> None:
        """Note the model that is in a slot from now on, and what loading it took."""
        super().loaded(slot, model, seconds)
        if slot is Slot.CHAMPION:
            self._ready.set(1)
