"""The shadow's model, in the agent.

Owns loading the release that the follower placed in the shadow's slot, when it is first used.
"""

import time
from collections.abc import Callable

from serving.errors import ModelRefusedError, Reason
from serving.metrics.models import RefusalMetrics, SlotMetrics
from serving.models.model import Model
from serving.models.slots import Slot
from serving.rollout import events
from serving.rollout.backoff import Backoff
from serving.rollout.cache import Cache
from serving.rollout.placed_model import load_placed
from serving.rollout.state import PlacedRelease

_FIRST_PAUSE = 2.0


class ShadowModel:
    """The model of the shadow's slot, as it is at each call; used on one thread."""

    def __init__(
        self,
        name: str,
        placed: Callable[[], PlacedRelease | None],
        cache: Cache,
        metrics: SlotMetrics,
        refusals: RefusalMetrics,
    ) -> None:
        """Load the release of `placed` from the cache; nothing is loaded yet."""
        self._name = name
        self._placed = placed
        self._cache = cache
        self._metrics = metrics
        self._refusals = refusals
        self._loaded: PlacedRelease | None = None
        self._model: Model | None = None
        self._backoff: Backoff[PlacedRelease] = Backoff(_FIRST_PAUSE)

    def __call__(self) -> Model | None:
        """The model, or None where the slot is empty or its model cannot be loaded."""
        placed = self._placed()
        if placed != self._loaded and (placed is None or self._backoff.allows(placed)):
            self._model = None if placed is None else self._load(placed)
            # One that failed is tried again later: the follower mends the cache.
            self._loaded = None if self._model is None else placed
            if self._model is None:
                self._metrics.emptied(Slot.SHADOW)
        # The slot no longer names the one of before.
        return self._model if placed == self._loaded else None

    def _load(self, placed: PlacedRelease) -> Model | None:
        begin = time.perf_counter()
        try:
            model = load_placed(self._name, placed, self._cache)
        except ModelRefusedError as error:
            self._refused(placed, error.reason, error)
            return None
        except Exception as error:  # noqa: BLE001  # whatever a model does, the log goes on
            self._refused(placed, Reason.INTERNAL, error)
            return None
        events.loaded(self._metrics, Slot.SHADOW, model, time.perf_counter() - begin)
        return model

    def _refused(self, placed: PlacedRelease, reason: Reason, error: Exception) -> None:
        events.refused(
            self._refusals,
            Slot.SHADOW,
            version=placed.release.version,
            reason=reason,
            error=error,
            retry_seconds=self._backoff.failed(placed),
        )
