"""What the agent tells the workers, and what outlives both: `state.json`.

Owns the file's form, its atomic write and its reading. A state names blobs of the cache, so state
and cache together are all that a restart needs. Whoever may write the cache folder is trusted.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from serving import public_keys
from serving.cache import replace_file
from serving.config import Config, Slots
from serving.slots import Slot

Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
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
    """

    release: Release
    digest: Digest
    files: dict[str, Digest]

    def blobs(self) -> set[str]:
        """The digests of everything that the cache must keep for it."""
        return {self.digest, *self.files.values()}


class Owner(Struct, frozen=True):
    """Whose state it is: what differs here is not served.

    Attributes:
        model: registered model's name.
        slots: aliases that were followed.
        keys: SHA-256 of each public key that signatures were held against; none without one.
    """

    model: str
    slots: Slots
    keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: Config) -> "Owner":
        """The owner that a configuration stands for."""
        return cls(config.model, config.slots, public_keys.hashes(config.public_key))

    def may_serve(self, other: "Owner") -> bool:
        """Whether what passed its trial with `other` would pass it here: no key is new to it."""
        same = (self.model, self.slots) == (other.model, other.slots)
        return same and set(other.keys) <= set(self.keys) and bool(other.keys) == bool(self.keys)


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


def read(path: Path, owner: Owner) -> State | None:
    """The state, or None where there is none yet.

    Raises:
        StateError: it cannot be read, is not of this form, or is another owner's.
    """
    try:
        state = msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(f"{path}: {error}") from error
    if not owner.may_serve(state.owner):
        raise StateError(f"{path} is of another model, other aliases or another public key")
    return replace(state, owner=owner)
