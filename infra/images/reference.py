"""Which reference of an image is run: from a private registry, by digest where one is locked.

Owns the names only: it asks no registry. `slipway images` writes the lock and fills the
private registry by the same rule.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from infra.errors import SlipwayError
from infra.home import ROOT
from infra.versions import IMAGES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LOCK = ROOT / "infra" / "images.lock"
OURS = "slipway"
_HUB = "docker.io"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class ImagesLockError(SlipwayError):
    """The lock of images cannot be read."""


@dataclass(frozen=True)
class Locked:
    """What a tag stood for when it was locked, and the platforms that it holds."""

    digest: str
    platforms: tuple[str, ...]


@dataclass(frozen=True)
class References:
    """The reference that a cluster pulls for each image of `infra.versions`.

    `ours` is that of our own image, a text or a Pulumi output of one, where the stack says
    or builds it.
    """

    registry: str | None
    locked: Mapping[str, Locked]
    ours: Any = None

    def of(self, image: str) -> Any:
        """What a pod pulls for `image`: a text, or a Pulumi output of one for ours."""
        if self.ours is not None and image == IMAGES[OURS]:
            return self.ours
        return reference(image, self.registry, self.locked)


def third_party() -> dict[str, str]:
    """The images of others, by the name they have in `infra.versions`."""
    return {name: image for name, image in sorted(IMAGES.items()) if name != OURS}


def reference(image: str, registry: str | None, locked: Mapping[str, Locked]) -> str:
    """The full reference of an image: its private copy, if any, by digest if it is locked."""
    source = full(image)
    where = mirrored(source, registry) if registry else source
    known = locked.get(source)
    return f"{where}@{known.digest}" if known and "@" not in where else where


def mirrored(image: str, registry: str) -> str:
    """Where a private registry holds an image: under the name of the registry it is from.

    `docker.io/library/registry:3` -> `REGISTRY/docker.io/library/registry:3`. A port's colon
    is no part of a repository's name and becomes `_`.
    """
    host, _, rest = full(image).partition("/")
    return f"{registry.rstrip('/')}/{host.replace(':', '_')}/{rest}"


def full(image: str) -> str:
    """An image's name with its registry, as Docker reads a short one."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return image
    return f"{_HUB}/{image}" if slash else f"{_HUB}/library/{image}"


def read_lock(path: Path = LOCK) -> Mapping[str, Locked]:
    """Digests by full name and tag; empty if nothing was locked yet.

    Raises:
        ImagesLockError: the file is not what `slipway images lock` writes.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        found = {image: Locked(e["digest"], tuple(e["platforms"])) for image, e in entries.items()}
    except FileNotFoundError:
        return MappingProxyType({})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImagesLockError(
            f"{path} cannot be read ({error}): write it again with `slipway images lock`"
        ) from None
    for image, entry in found.items():
        if not _DIGEST.fullmatch(entry.digest):
            raise ImagesLockError(
                f"{path}: {image} has no digest but {entry.digest!r}: "
                f"write it again with `slipway images lock`"
            )
    return MappingProxyType(found)


def write_lock(locked: Mapping[str, Locked], path: Path = LOCK) -> None:
    """Write the lock: sorted, so that the same digests are the same file."""
    entries = {
        image: {"digest": locked[image].digest, "platforms": sorted(locked[image].platforms)}
        for image in sorted(locked)
    }
    path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
