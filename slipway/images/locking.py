"""Lock the images of others by digest, in infra/images.lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.images import reference
from infra.images.reference import Locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from slipway.images.crane import Crane

WANTED = ("linux/amd64", "linux/arm64")


def lock(
    crane: Crane, images: Iterable[str], path: Path, tell: Callable[[str], None]
) -> Mapping[str, Locked]:
    """Ask for the digest of each tag, write the lock, and return it.

    `tell` hears of each image, and of the platforms that it has not.

    Raises:
        ImageError: one cannot be had; the lock stays as it was.
    """
    digests = {}
    for image in sorted(map(reference.full, images)):
        manifest = crane.manifest(image)
        digests[image] = Locked(manifest.digest, tuple(sorted(manifest.platforms)))
        absent = [platform for platform in WANTED if platform not in manifest.platforms]
        tell(f"{image} {manifest.digest}" + (f" (not for {', '.join(absent)})" if absent else ""))
    reference.write_lock(digests, path)
    return digests
