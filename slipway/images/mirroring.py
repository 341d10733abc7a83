"""Copy images to a private registry, by digest, so that a platform can pull all from there.

What is there is not sent again, so a run that was cut off goes on where it was: crane asks
for each blob, and a registry takes a manifest only when it has all that it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from infra.images import reference
from slipway.images.crane import ImageAbsentError, ImageError, RegistryUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from infra.images.reference import Locked
    from slipway.images.crane import Crane


@dataclass(frozen=True)
class Copied:
    """An image in the private registry, and whether this run brought it there."""

    source: str
    target: str
    digest: str
    outcome: Literal["copied", "there"]

    def as_json(self) -> dict[str, str]:
        """For a script."""
        return {"source": self.source, "target": self.target, "digest": self.digest} | {
            "outcome": self.outcome
        }


def mirror(
    crane: Crane,
    images: Iterable[str],
    registry: str,
    locked: Mapping[str, Locked],
    tell: Callable[[str], None],
) -> list[Copied]:
    """Have all these images in a registry, under the names that `reference.mirrored` gives.

    Each is the one that is locked; one that is not locked is what its tag stands for now.
    One that cannot be had does not keep the others from being copied.

    Raises:
        RegistryUnreachableError: the private registry does not answer; nothing more is tried.
        ImageError: names each image that could not be copied, and why.
    """
    copied, failed = [], []
    for image in sorted(map(reference.full, images)):
        target = reference.mirrored(image, registry)
        there = _digest_there(crane, target)
        try:
            digest = locked[image].digest if image in locked else crane.digest(image)
            if there != digest:
                _copy(crane, f"{image}@{digest}", target, tell)
        except ImageError as error:
            failed.append(str(error))
            tell(f"{image} failed")
        else:
            copied.append(Copied(image, target, digest, "there" if there == digest else "copied"))
            tell(f"{target} is there")
    if failed:
        total = len(copied) + len(failed)
        raise ImageError(f"{len(failed)} of {total} images are not there: " + "; ".join(failed))
    return copied


def _digest_there(crane: Crane, target: str) -> str | None:
    """The digest of the private copy; None if there is none, or if only a copy will tell why."""
    try:
        return crane.digest(target)
    except ImageAbsentError:
        return None
    except RegistryUnreachableError:
        raise
    except ImageError:
        return None


def _copy(crane: Crane, source: str, target: str, tell: Callable[[str], None]) -> None:
    """Copy, and see that nobody else wrote the same name meanwhile."""
    crane.copy(source, target, lambda line: tell(f"{source} {line}"))
    if (arrived := crane.digest(target)) != source.partition("@")[2]:
        raise ImageError(f"{target} became {arrived}, not {source}: somebody else writes there")
