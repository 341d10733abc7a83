"""Keeps `state.json` as the model registry's aliases and tags say.

Owns the agent's first thread: one look at a time, a trial for each new release, and the patience
with what fails. A failure never touches what is in service.
"""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from serving import logs
from serving.agent.releases.metrics import AgentMetrics
from serving.agent.releases.mlflow import Registered, Tracking, TrackingError
from serving.agent.releases.oci import parse_source
from serving.agent.releases.validation import Trial
from serving.config import Config
from serving.errors import ModelRefusedError, Reason
from serving.models.slots import Slot
from serving.rollout import events
from serving.rollout import state as states
from serving.rollout.backoff import Patience
from serving.rollout.cache import Cache
from serving.rollout.state import Owner, Placed, Release, State, StateError

WEIGHT_TAG = "slipway.challenger_weight"
_KEPT_BEFORE = 3
"""Releases of before whose blobs stay, for workers that are a step behind and for a way back."""
_RECOVERED = {
    "tracking_unreachable": "tracking_answers",
    "alias_missing": "alias_found",
    "state_not_written": "state_written",
}
"""The events that troubles begin and end with."""


@dataclass(slots=True)
class Follower:
    """Follows the aliases of one model into its state.

    Attributes:
        config: whose aliases, how often, and where the state is.
        tracking: who is asked.
        trial: what a release must pass.
        cache: where the blobs are.
        metrics: what is counted.
    """

    config: Config
    tracking: Tracking
    trial: Trial
    cache: Cache
    metrics: AgentMetrics
    _state: State = field(init=False)
    _patience: dict[Slot, Patience[Release]] = field(init=False)
    _path: Path = field(init=False)
    _sources: dict[tuple[int, str], str] = field(default_factory=dict)
    _troubles: set[str] = field(default_factory=set)
    _bad_weight: str = ""
    _written: bool = False

    def __post_init__(self) -> None:
        """Begin with an empty state; nothing is read or asked yet."""
        self._state = State(Owner.of(self.config))
        self._patience = {slot: Patience(self.config.poll_seconds) for slot in Slot}
        self._path = states.path_of(self.config.cache_dir)

    def run(self, stopping: threading.Event) -> None:
        """Take up the last state, then look again and again until told to stop."""
        self.resume()
        while True:
            self.step()
            if stopping.wait(self.config.poll_seconds):
                return

    def resume(self) -> None:
        """Take up what was last in service, before anyone is asked."""
        try:
            state = states.read(self.config)
        except StateError as error:
            logs.warning("state_refused", model=self.config.model, error=error)
            return
        if state is not None:
            self._state = state

    def placed(self, slot: Slot) -> Placed | None:
        """What is in a slot right now; may be asked from any thread."""
        return self._state.placed.get(slot)

    def step(self) -> None:
        """Look at the model registry once, and act on it."""
        before = self._state
        try:
            found = self.tracking.look()
            wanted = self._wanted(found)
        except TrackingError as error:
            self.metrics.poll_failures.inc()
            self._note("tracking_unreachable", f"the model registry cannot be asked: {error}")
        else:
            self._recovered("tracking_unreachable")
            for slot in Slot:
                self._follow(slot, wanted.get(slot))
            self._weigh(found.tags.get(WEIGHT_TAG, "0"))
        if self._state != before or not self._written:
            self._publish()

    def _wanted(self, found: Registered) -> dict[Slot, Release]:
        """The release that each slot's alias names; a version is asked for once."""
        aliases = {slot: found.aliases.get(getattr(self.config.slots, slot)) for slot in Slot}
        versions = {slot: version for slot, version in aliases.items() if version is not None}
        keys = {(found.created, version) for version in versions.values()}
        self._sources = {
            key: self._sources.get(key) or self.tracking.source(key[1]) for key in keys
        }
        return {
            slot: Release(version, self._sources[found.created, version])
            for slot, version in versions.items()
        }

    def _follow(self, slot: Slot, release: Release | None) -> None:
        placed = self._state.placed.get(slot)
        if release is None:
            self._leave(slot, placed)
            return
        if slot is Slot.CHAMPION:
            self._recovered("alias_missing")
        if placed is None or placed.release != release:
            if self._patience[slot].allows(release):
                self._take(slot, release)
        elif not all(self.cache.intact(digest) for digest in placed.blobs()):
            self._repair(slot, placed)

    def _leave(self, slot: Slot, placed: Placed | None) -> None:
        """Empty a slot whose alias was removed; a champion stays, as somebody must answer."""
        if slot is Slot.CHAMPION:
            alias = self.config.slots.champion
            message = f"no version of {self.config.model!r} has the alias {alias!r} yet"
            self._note("alias_missing", message)
        elif placed is not None:
            self._place(slot, None)
            logs.info("slot_emptied", model=self.config.model, slot=slot)

    def _take(self, slot: Slot, release: Release) -> None:
        try:
            placed = self._tried(release) or self.trial.passes(release)
        except ModelRefusedError as error:
            self._refuse(slot, release, error.reason, str(error))
        except Exception as error:  # noqa: BLE001  # whatever a model does, the thread goes on
            logs.failure("model_trial_crashed", error, slot=slot, version=release.version)
            self._refuse(slot, release, Reason.INTERNAL, f"{type(error).__name__}: {error}")
        else:
            self._place(slot, placed)
            logs.info(
                "model_accepted",
                model=self.config.model,
                slot=slot,
                version=release.version,
                digest=placed.digest,
            )

    def _tried(self, release: Release) -> Placed | None:
        """The same artifact in another slot or under another version needs no second trial."""
        digest = parse_source(release.source).digest
        for placed in self._state.placed.values():
            if placed.digest == digest:
                return replace(placed, release=release)
        return None

    def _place(self, slot: Slot, placed: Placed | None) -> None:
        others = dict(self._state.placed)
        before = others.pop(slot, None)
        history = self._state.history
        if before is not None:
            gone = tuple(sorted(before.blobs()))
            history = (gone, *(entry for entry in history if entry != gone))[:_KEPT_BEFORE]
        if placed is not None:
            others[slot] = placed
        reason = "" if slot is Slot.CHAMPION else self._state.reason
        self._state = replace(self._state, placed=others, history=history, reason=reason)

    def _repair(self, slot: Slot, placed: Placed) -> None:
        if not self._patience[slot].allows(placed.release):
            return
        try:
            self.trial.repair(placed)
        except ModelRefusedError as error:
            self._refuse(slot, placed.release, error.reason, str(error))
        else:
            logs.info("cache_repaired", model=self.config.model, slot=slot, digest=placed.digest)

    def _refuse(self, slot: Slot, release: Release, reason: Reason, message: str) -> None:
        pause = self._patience[slot].failed(release)
        if slot is Slot.CHAMPION:
            self._say(f"version {release.version} was refused ({reason}): {message}")
        events.refused(
            self.metrics.refusals,
            slot,
            version=release.version,
            source=release.source,
            reason=reason,
            error=message,
            retry_seconds=pause,
        )

    def _weigh(self, text: str) -> None:
        weight = parse_weight(text)
        if weight is None and text != self._bad_weight:
            error = f"the tag {WEIGHT_TAG} is {text!r}: set it to a number from 0 to 1"
            logs.warning("weight_refused", model=self.config.model, error=error)
        self._bad_weight = text if weight is None else ""
        if weight is not None:
            self._state = replace(self._state, weight=weight)

    def _publish(self) -> None:
        """Write the state, then drop what it no longer names; never the other way round."""
        try:
            states.write(self._path, self._state)
            self._written = True
            self._recovered("state_not_written")
            self.cache.prune(self._state.blobs())
        except OSError as error:
            self._written = False
            self._note("state_not_written", f"{self._path} cannot be written: {error}")

    def _note(self, event: str, message: str) -> None:
        """Log a trouble once, not at every look."""
        self._say(message)
        if event not in self._troubles:
            self._troubles.add(event)
            logs.warning(event, model=self.config.model, error=message)

    def _recovered(self, event: str) -> None:
        if event in self._troubles:
            self._troubles.remove(event)
            logs.info(_RECOVERED[event], model=self.config.model)

    def _say(self, reason: str) -> None:
        """Let callers know why there is no champion, while there is none."""
        if Slot.CHAMPION not in self._state.placed:
            self._state = replace(self._state, reason=reason)


def parse_weight(text: str) -> float | None:
    """The challenger's share of the keys, or None where the text is no number from 0 to 1."""
    try:
        weight = float(text)
    except ValueError:
        return None
    return weight if 0 <= weight <= 1 else None
