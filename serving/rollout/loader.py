"""Loads the models of `state.json` into one worker's placement.

Owns the thread that polls the state, loading from the cache, warming up, and the swap. It calls no
other service: the disk has all it needs, so a worker starts with everything else down. A failure
never touches what is in service.
"""

import asyncio
import threading
import time
from dataclasses import replace
from pathlib import Path

from serving import logs
from serving.config import Config
from serving.errors import ModelRefusedError, Reason
from serving.metrics.models import ModelMetrics
from serving.models.model import Model
from serving.models.slots import Placement, Refused, Slot
from serving.rollout import events
from serving.rollout.backoff import Backoff
from serving.rollout.cache import Cache
from serving.rollout.placed_model import load_placed
from serving.rollout.state import PlacedRelease, State, StateError, path_of, read

POLL_SECONDS = 0.2
_FIRST_PAUSE = 0.5
_ANSWERING = (Slot.CHAMPION, Slot.CHALLENGER)
"""What workers load; the agent scores the shadow."""


class Loader:
    """Follows one state file into one placement, in a thread of its own."""

    def __init__(
        self, config: Config, cache: Cache, placement: Placement, metrics: ModelMetrics
    ) -> None:
        """Bind the collaborators; `start` begins the work."""
        self._path = path_of(config.cache_dir)
        self._config = config
        self._name = config.model
        self._cache = cache
        self._placement = placement
        self._metrics = metrics
        self._fingerprint: tuple[int, ...] | None = None
        self._state: State | None = None
        self._serving: dict[Slot, PlacedRelease] = {}
        self._refused: dict[Slot, Refused] = {}
        self._backoff: dict[Slot, Backoff[PlacedRelease]] = {
            slot: Backoff(_FIRST_PAUSE) for slot in _ANSWERING
        }
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)

    def start(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Load the models of the last state, then poll it."""
        self._thread.start()

    def stop(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Poll no more; a load that is under way ends with the process."""
        self._stopping.set()

    def _run(self) -> None:
        while True:
            self.step()
            if self._stopping.wait(POLL_SECONDS):
                return

    def step(self) -> None:
        """Check the state once, and act on it."""
        fingerprint = _fingerprint(self._path)
        if fingerprint != self._fingerprint:
            self._fingerprint = fingerprint
            self._read()
        if self._state is not None:
            self._follow(self._state)

    def _read(self) -> None:
        try:
            state = read(self._config)
        except StateError as error:
            self._placement.reason = str(error)
            logs.warning("state_refused", model=self._name, error=error)
            return
        if state is not None:
            self._state = state

    def _follow(self, state: State) -> None:
        # The champion first: a challenger that was promoted is then never without a slot.
        for slot in _ANSWERING:
            placed = state.placed.get(slot)
            if placed is None:
                self._empty(slot)
            elif placed == self._serving.get(slot):
                self._refused.pop(slot, None)
            elif self._backoff[slot].allows(placed):
                self._take(slot, placed)
        shadow = state.placed.get(Slot.SHADOW)
        self._placement.shadow = shadow.release.version if shadow else ""
        self._placement.refused = state.refused | self._refused
        if Slot.CHAMPION not in state.placed and state.reason:
            self._placement.reason = state.reason
        if self._placement.weight != state.weight:
            logs.info("weight_changed", model=self._name, weight=state.weight)
        self._placement.weight = state.weight
        self._metrics.weight.set(state.weight)

    def _empty(self, slot: Slot) -> None:
        self._refused.pop(slot, None)
        if slot is Slot.CHAMPION or self._serving.pop(slot, None) is None:
            return
        self._placement.challenger = None
        self._metrics.emptied(slot)
        logs.info("slot_emptied", model=self._name, slot=slot)

    def _take(self, slot: Slot, placed: PlacedRelease) -> None:
        begin = time.perf_counter()
        try:
            model = self._shared(placed) or load_placed(self._name, placed, self._cache)
        except ModelRefusedError as error:
            self._refuse(slot, placed, error.reason, str(error))
        except Exception as error:  # noqa: BLE001  # whatever a model does, the thread goes on
            logs.failure("model_load_crashed", error, slot=slot, version=placed.release.version)
            self._refuse(slot, placed, Reason.INTERNAL, f"{type(error).__name__}: {error}")
        else:
            self._swap(slot, placed, model, time.perf_counter() - begin)

    def _shared(self, placed: PlacedRelease) -> Model | None:
        """The model of a digest that is in service already, under this version."""
        for model in (self._placement.champion, self._placement.challenger):
            if model is not None and model.digest == placed.digest:
                return replace(model, version=placed.release.version)
        return None

    def _swap(self, slot: Slot, placed: PlacedRelease, model: Model, seconds: float) -> None:
        if slot is Slot.CHAMPION:
            self._placement.champion = model
        else:
            self._placement.challenger = model
        self._serving[slot] = placed
        self._refused.pop(slot, None)
        events.loaded(self._metrics, slot, model, seconds)

    def _refuse(self, slot: Slot, placed: PlacedRelease, reason: Reason, message: str) -> None:
        pause = self._backoff[slot].failed(placed)
        version = placed.release.version
        self._refused[slot] = Refused(version, reason, message)
        if slot is Slot.CHAMPION:
            self._placement.reason = f"version {version} was refused ({reason}): {message}"
        events.refused(
            self._metrics, slot, version=version, reason=reason, error=message, retry_seconds=pause
        )


def _fingerprint(path: Path) -> tuple[int, ...] | None:
    """Numbers that change whenever a file is replaced; None without one."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
