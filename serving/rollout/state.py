"""What the agent tells the workers, and what outlives both: `state.json`.

Owns the file's form, its atomic write and its reading. A state names blobs of the cache, so state
and cache together are all that a restart needs. Whoever may write the cache folder is trusted.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from serving.config import Config, Slots
from serving.models.slots import Slot
from serving.rollout.cache import replace_file
from serving.rollout.trusted_keys import trusted_keys

Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
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


class Placed(Struct, frozen=True):
    """A release that passed its trial, and the blobs it is made of.

    Attributes:
        release: version and source.
        digest: its artifact's manifest digest.
        files: digests of its files' blobs, by title.
        key: fingerprint of the public key that it is signed with; empty where none was asked for.
    """

    release: Release
    digest: Digest
    files: dict[str, Digest]
    key: str = ""

    def blobs(self) -> set[str]:
        """The digests of everything that the cache must keep for it."""
        return {self.digest, *self.files.values()}


class Owner(Struct, frozen=True):
    """Whose state it is: what differs here is not served.

    Attributes:
        model: registered model's name.
        slots: aliases that were followed.
    """

    model: str
    slots: Slots

    @classmethod
    def of(cls, config: Config) -> "Owner":
        """The owner that a configuration stands for."""
        return cls(config.model, config.slots)


class State(Struct, frozen=True):
    """The content of `state.json`.

    Attributes:
        owner: whose it is.
        placed: what is to be served, by slot.
        weight: the challenger's share of the keys.
        reason: why there is no champion, for callers.
        history: blobs of the releases before, newest first, for workers that are a step behind.
        form: version of this form.
    """

    owner: Owner
    placed: dict[Slot, Placed] = {}
    weight: Weight = 0.0
    reason: str = ""
    history: tuple[tuple[str, ...], ...] = ()
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
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(f"{path}: {error}") from error
    if state.owner != Owner.of(config):
        raise StateError(f"{path} is of another model or of other aliases")
    return _trusted(state, trusted_keys(config.public_key))


def _trusted(state: State, keys: Collection[str]) -> State:
    if not keys:
        return state
    placed = {slot: each for slot, each in state.placed.items() if each.key in keys}
    if len(placed) == len(state.placed):
        return state
    return replace(state, placed=placed, reason=state.reason or _NOT_TRUSTED)
