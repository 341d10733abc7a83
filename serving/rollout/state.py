"""`state.json`: the agent's message to the workers, which outlives both.

Owns the file's form, its atomic write and its reading. A state names blobs of the cache, so state
and cache together are all that a restart needs. Whoever may write the cache folder is trusted.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from serving.config import Config, SlotAliases
from serving.errors import DECODE_ERRORS
from serving.models.slots import Refused, Slot
from serving.rollout.cache import Cache, replace_file
from serving.rollout.trusted_keys import trusted_keys

Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
_KEPT_BEFORE = 3
"""Releases of before whose blobs stay, for workers that are a step behind and for a way back."""
_NOT_TRUSTED = "the last release is not signed with a key that is trusted now"
Weight = Annotated[float, Meta(ge=0, le=1)]


class StateError(Exception):
    """A state that is damaged, or not this server's; the message says which."""


class Release(Struct, frozen=True):
    """A version in the model registry and where its artifact is.

    Attributes:
        version: the model registry's version.
        source: `oci://<repository>@sha256:<digest>`.
    """

    version: str
    source: str


class PlacedRelease(Struct, frozen=True):
    """A release that passed validation, and its blobs.

    Attributes:
        release: version and source.
        digest: its artifact's manifest digest.
        files: digests of its files' blobs, by title.
        key: fingerprint of the public key that it is signed with; empty without configured keys.
    """

    release: Release
    digest: Digest
    files: dict[str, Digest]
    key: str = ""

    def blobs(self) -> set[str]:
        """The digests of everything that the cache must keep for it."""
        return {self.digest, *self.files.values()}


class Owner(Struct, frozen=True):
    """The owner of a state: another owner's is not served.

    Attributes:
        model: registered model's name.
        slots: aliases that were followed.
    """

    model: str
    slots: SlotAliases

    @classmethod
    def of(cls, config: Config) -> "Owner":
        """The owner that a configuration stands for."""
        return cls(config.model, config.slots)


class State(Struct, frozen=True):
    """The content of `state.json`.

    Attributes:
        owner: the model and the aliases that it is of.
        placed: the releases to serve, by slot.
        weight: the challenger's share of the keys.
        reason: why there is no champion, for callers.
        history: blobs of the releases before, newest first, for workers that are a step behind.
        refused: the last release that failed validation, by slot.
        form: version of this form.
    """

    owner: Owner
    placed: dict[Slot, PlacedRelease] = {}
    weight: Weight = 0.0
    reason: str = ""
    history: tuple[tuple[str, ...], ...] = ()
    refused: dict[Slot, Refused] = {}
    form: Literal[1] = 1

    def blobs(self) -> set[str]:
        """The digests of everything that the cache must keep."""
        named = [placed.blobs() for placed in self.placed.values()]
        return set().union(*named, *self.history)


def path_of(cache_dir: str) -> Path:
    """Where a server keeps its state."""
    return Path(cache_dir) / "state.json"


def write(path: Path, state: State) -> None:
    """Replace the state in one step. Raises OSError when the disk does not take it."""
    replace_file(path, msgspec.json.encode(state))


def read(config: Config) -> State | None:
    """The state as this configuration may serve it, or None where there is none yet.

    A release that is not signed with a key of the configuration is left out, if it has any.

    Raises:
        StateError: it cannot be read, is not of this form, or is another owner's.
    """
    path = path_of(config.cache_dir)
    try:
        state = msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error
    except DECODE_ERRORS as error:
        raise StateError(f"{path}: {error}") from error
    if state.owner != Owner.of(config):
        raise StateError(f"{path} is of another model or of other aliases")
    return _trusted(state, trusted_keys(config.public_key))


def _trusted(state: State, keys: Collection[str]) -> State:
    if not keys:
        return state
    placed = {slot: release for slot, release in state.placed.items() if release.key in keys}
    if len(placed) == len(state.placed):
        return state
    return replace(state, placed=placed, reason=state.reason or _NOT_TRUSTED)


class StateFile:
    """The agent's side of the file: the state in memory, and its publication.

    Attributes:
        state: what workers are to serve; read from any thread, changed on one.
    """

    def __init__(self, config: Config, cache: Cache) -> None:
        """Begin with an empty state; nothing is read or written yet."""
        self.state = State(Owner.of(config))
        self.path = path_of(config.cache_dir)
        self._config = config
        self._cache = cache
        self._published: State | None = None

    def resume(self) -> None:
        """Take up the state that was published last, if there is one.

        Raises:
            StateError: as `read`.
        """
        state = read(self._config)
        if state is not None:
            self.state = state

    def place(self, slot: Slot, placed: PlacedRelease | None) -> None:
        """Put a release into a slot, or empty it; the one before goes into the history."""
        others = dict(self.state.placed)
        before = others.pop(slot, None)
        history = self.state.history
        if before is not None:
            blobs = tuple(sorted(before.blobs()))
            history = (blobs, *(entry for entry in history if entry != blobs))[:_KEPT_BEFORE]
        if placed is not None:
            others[slot] = placed
        reason = "" if slot is Slot.CHAMPION else self.state.reason
        self.state = replace(self.state, placed=others, history=history, reason=reason)
        self.set_refused(slot, None)

    def set_refused(self, slot: Slot, refused: Refused | None) -> None:
        """Set the release that was refused, or None where the slot has what is released to it."""
        others = {other: entry for other, entry in self.state.refused.items() if other is not slot}
        if refused is not None:
            others[slot] = refused
        self.state = replace(self.state, refused=others)

    def set_weight(self, weight: float) -> None:
        """Set the challenger's share of the keys."""
        self.state = replace(self.state, weight=weight)

    def set_reason(self, reason: str) -> None:
        """Set why there is no champion, while there is none."""
        if Slot.CHAMPION not in self.state.placed:
            self.state = replace(self.state, reason=reason)

    def publish(self) -> None:
        """Write the state where it changed, then drop the blobs that it no longer names.

        Never the other way round: workers read what the file names.

        Raises:
            OSError: the disk does not take it; the next call tries again.
        """
        if self.state == self._published:
            return
        self._published = None
        write(self.path, self.state)
        self._cache.prune(self.state.blobs())
        self._published = self.state
