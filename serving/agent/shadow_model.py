"""The model that the shadow's slot has right now, loaded from the cache.

Owns loading it, when the state names another, and the patience with one that fails. The follower
has tried it before the state named it; it takes no traffic, so nothing is swapped.
"""

import threading

from serving import logs
from serving import state as states
from serving.cache import Cache
from serving.config import Config
from serving.errors import ModelRefusedError, Reason
from serving.loader import load_placed
from serving.model import Model
from serving.model_metrics import Refusals
from serving.patience import Patience
from serving.slots import Slot
from serving.state import Placed, StateError

_FIRST_PAUSE = 1.0


class ShadowModel:
    """Follows the state's shadow; it is looked at whenever the model is asked for."""

    def __init__(self, config: Config, cache: Cache, refusals: Refusals) -> None:
        """Bind the collaborators; nothing is read yet."""
        self._config = config
        self._cache = cache
        self._refusals = refusals
        self._patience: Patience[Placed] = Patience(_FIRST_PAUSE)
        self._placed: Placed | None = None
        self._model: Model | None = None
        self._looking = threading.Lock()

    def __call__(self) -> Model | None:
        """The shadow's model; None where the slot is empty or its model cannot be loaded."""
        with self._looking:
            placed = self._wanted()
            if placed is None:
                self._placed = self._model = None
            elif placed != self._placed and self._patience.allows(placed):
                self._take(placed)
            # The one of before is no longer what the slot names.
            return self._model if placed == self._placed else None

    def _wanted(self) -> Placed | None:
        try:
            state = states.read(self._config)
        except StateError:  # said by the follower
            return None
        return state.placed.get(Slot.SHADOW) if state else None

    def _take(self, placed: Placed) -> None:
        try:
            self._model = load_placed(self._config.model, self._cache, placed)
        except ModelRefusedError as error:
            self._refuse(placed, error.reason, str(error))
        except Exception as error:  # noqa: BLE001  # whatever a model does, the log goes on
            logs.failure("model_load_crashed", error, slot=Slot.SHADOW)
            self._refuse(placed, Reason.INTERNAL, f"{type(error).__name__}: {error}")
        else:
            self._placed = placed
            logs.info(
                "model_loaded",
                model=self._config.model,
                slot=Slot.SHADOW,
                version=placed.release.version,
                digest=placed.digest,
            )

    def _refuse(self, placed: Placed, reason: Reason, message: str) -> None:
        self._placed = self._model = None
        self._refusals.refused(Slot.SHADOW, reason)
        logs.warning(
            "model_refused",
            model=self._config.model,
            slot=Slot.SHADOW,
            version=placed.release.version,
            reason=reason,
            error=message,
            retry_seconds=self._patience.failed(placed),
        )
