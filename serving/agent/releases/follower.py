"""Follows the model registry's aliases and tags into `state.json`.

Owns the agent's first thread: one poll at a time, and the changes of each slot. A failure never
touches what is in service.
"""

import threading
from typing import NamedTuple

from contracts.slots import WEIGHT_TAG
from serving import logs
from serving.agent.releases.metrics import ReleaseMetrics
from serving.agent.releases.mlflow import ModelRegistry, TrackingError
from serving.agent.releases.validation import ReleaseTrial
from serving.config import Config, SlotAliases
from serving.errors import ModelRefusedError
from serving.logs import TroubleLog
from serving.models.slots import Refused, Slot
from serving.rollout.cache import Cache
from serving.rollout.state import PlacedRelease, Release, StateError, StateFile

_ENDINGS = {
    "tracking_unreachable": "tracking_answers",
    "alias_missing": "alias_found",
    "state_not_written": "state_written",
}
"""The events that troubles end with, by those they begin with."""


class Poll(NamedTuple):
    """The model registry's aliases and tags at one poll.

    Attributes:
        releases: by slot, those whose alias names a version.
        weight: the weight tag's text.
    """

    releases: dict[Slot, Release]
    weight: str


class AliasWatcher:
    """Watches the aliases and tags of one registered model."""

    def __init__(self, registry: ModelRegistry, aliases: SlotAliases) -> None:
        """Watch the alias of each slot; nothing is requested yet."""
        self._registry = registry
        self._aliases = aliases
        self._sources: dict[tuple[int, str], str] = {}

    def poll(self) -> Poll:
        """The releases that the aliases name now; a version's source is requested once.

        Raises:
            TrackingError: the registry cannot be reached.
        """
        model = self._registry.registered_model()
        aliases = {slot: model.aliases.get(getattr(self._aliases, slot)) for slot in Slot}
        versions = {slot: version for slot, version in aliases.items() if version is not None}
        keys = {(model.created, version) for version in versions.values()}
        self._sources = {
            key: self._sources.get(key) or self._registry.source(key[1]) for key in keys
        }
        releases = {
            slot: Release(version, self._sources[model.created, version])
            for slot, version in versions.items()
        }
        return Poll(releases, model.tags.get(WEIGHT_TAG, "0"))


class Follower:
    """Follows the aliases of one model into its state."""

    def __init__(  # noqa: PLR0913  # the collaborators, each given by name
        self,
        config: Config,
        *,
        aliases: AliasWatcher,
        trial: ReleaseTrial,
        cache: Cache,
        state: StateFile,
        metrics: ReleaseMetrics,
    ) -> None:
        """Bind the collaborators; nothing is read or requested yet."""
        self._config = config
        self._aliases = aliases
        self._trial = trial
        self._cache = cache
        self._file = state
        self._metrics = metrics
        self._troubles = TroubleLog(_ENDINGS, model=config.model)
        self._bad_weight = ""

    def run(self, stopping: threading.Event) -> None:
        """Take up the last state, then poll until the event is set."""
        self.resume()
        while True:
            self.step()
            if stopping.wait(self._config.poll_seconds):
                return

    def resume(self) -> None:
        """Take up what was last in service, before anything is requested."""
        try:
            self._file.resume()
        except StateError as error:
            logs.warning("state_refused", model=self._config.model, error=error)

    def placed(self, slot: Slot) -> PlacedRelease | None:
        """The release in a slot right now; may be called from any thread."""
        return self._file.state.placed.get(slot)

    def step(self) -> None:
        """Poll the model registry once, and act on it."""
        try:
            poll = self._aliases.poll()
        except TrackingError as error:
            self._metrics.poll_failures.inc()
            self._trouble("tracking_unreachable", f"the model registry cannot be asked: {error}")
        else:
            self._troubles.end("tracking_unreachable")
            for slot in Slot:
                self._follow(slot, poll.releases.get(slot))
            self._set_weight(poll.weight)
        self._publish()

    def _follow(self, slot: Slot, release: Release | None) -> None:
        placed = self.placed(slot)
        if release is None:
            self._leave(slot, placed)
            return
        if slot is Slot.CHAMPION:
            self._troubles.end("alias_missing")
        if placed is None or placed.release != release:
            if self._trial.allows(slot, release):
                self._take(slot, release)
        elif not all(self._cache.intact(digest) for digest in placed.blobs()):
            self._repair(slot, placed)
        else:
            self._file.set_refused(slot, None)

    def _leave(self, slot: Slot, placed: PlacedRelease | None) -> None:
        """Empty a slot whose alias was removed; a champion stays, as it alone can answer."""
        self._file.set_refused(slot, None)
        if slot is Slot.CHAMPION:
            alias = self._config.slots.champion
            message = f"no version of {self._config.model!r} has the alias {alias!r} yet"
            self._trouble("alias_missing", message)
        elif placed is not None:
            self._file.place(slot, None)
            logs.info("slot_emptied", model=self._config.model, slot=slot)

    def _take(self, slot: Slot, release: Release) -> None:
        try:
            placed = self._trial.validate(slot, release, self._file.state.placed.values())
        except ModelRefusedError as error:
            self._refused(slot, release, error)
        else:
            self._file.place(slot, placed)
            logs.info(
                "model_accepted",
                model=self._config.model,
                slot=slot,
                version=release.version,
                digest=placed.digest,
            )

    def _repair(self, slot: Slot, placed: PlacedRelease) -> None:
        if not self._trial.allows(slot, placed.release):
            return
        try:
            self._trial.repair(slot, placed)
        except ModelRefusedError as error:
            self._refused(slot, placed.release, error)
        else:
            logs.info("cache_repaired", model=self._config.model, slot=slot, digest=placed.digest)

    def _refused(self, slot: Slot, release: Release, error: ModelRefusedError) -> None:
        self._file.set_refused(slot, Refused(release.version, error.reason, str(error)))
        if slot is Slot.CHAMPION:
            self._file.set_reason(
                f"version {release.version} was refused ({error.reason}): {error}"
            )

    def _set_weight(self, text: str) -> None:
        weight = parse_weight(text)
        if weight is None and text != self._bad_weight:
            error = f"the tag {WEIGHT_TAG} is {text!r}: set it to a number from 0 to 1"
            logs.warning("weight_refused", model=self._config.model, error=error)
        self._bad_weight = text if weight is None else ""
        if weight is not None:
            self._file.set_weight(weight)

    def _publish(self) -> None:
        try:
            self._file.publish()
        except OSError as error:
            self._trouble("state_not_written", f"{self._file.path} cannot be written: {error}")
        else:
            self._troubles.end("state_not_written")

    def _trouble(self, event: str, message: str) -> None:
        """Log a trouble when it begins; callers read it as long as there is no champion."""
        self._file.set_reason(message)
        self._troubles.begin(event, error=message)


def parse_weight(text: str) -> float | None:
    """The challenger's share of the keys, or None where the text is no number from 0 to 1."""
    try:
        weight = float(text)
    except ValueError:
        return None
    return weight if 0 <= weight <= 1 else None
