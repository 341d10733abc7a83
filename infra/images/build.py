"""Our own image: built and pushed by Pulumi where the settings say so, and its digest.

Owns the build's arguments. What is in the image is the Dockerfile beside it; which
reference that a cluster pulls for every other image is `reference`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_docker_build as docker

from infra.errors import SettingsError
from infra.home import ROOT
from infra.images import reference
from infra.images.reference import References
from infra.settings.target import ImageBuild, Kind, PushedImage, ReleasedImage
from infra.versions import IMAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.images.reference import Locked
    from infra.settings.target import OnKubernetes

DOCKERFILE = ROOT / "infra" / "images" / "slipway" / "Dockerfile"
_NAME = "slipway/slipway"
# The first time that a zip file can hold: every file of the image has it.
_EPOCH = 315532800


@dataclass(frozen=True)
class Build:
    """What a build is told: plain data, whatever runs it."""

    tag: str
    platforms: tuple[str, ...]
    arguments: Mapping[str, str]
    secret_files: Mapping[str, str]
    builder: str | None


class SlipwayImage(pulumi.ComponentResource):
    """Our image in a registry; `ref` is its tag and digest."""

    def __init__(self, name: str, build: Build, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:images:Image", name, {}, opts)
        image = docker.Image(
            "slipway-image",
            build_args=dict(build.arguments),
            # A preview says what would be built, and builds nothing.
            build_on_preview=False,
            builder=docker.BuilderConfigArgs(name=build.builder) if build.builder else None,
            context=docker.BuildContextArgs(location=str(ROOT)),
            dockerfile=docker.DockerfileArgs(location=str(DOCKERFILE)),
            platforms=[docker.Platform(platform) for platform in build.platforms],
            push=True,
            secrets={
                secret: pulumi.Output.secret(_text(secret, path))
                for secret, path in build.secret_files.items()
            },
            tags=[build.tag],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.ref: pulumi.Output[str] = image.ref
        self.register_outputs({"ref": self.ref})


def references(target: OnKubernetes, opts: pulumi.ResourceOptions | None = None) -> References:
    """What the cluster pulls for each image; ours is built if the settings say so.

    On kind, `opts` should depend on the cluster's registry.

    Raises:
        SettingsError: a file that the build needs cannot be read.
        ImagesLockError: infra/images.lock cannot be read.
    """
    locked = reference.read_lock()
    return References(target.images.registry, locked, _ours(target, locked, opts))


def plan(target: OnKubernetes, locked: Mapping[str, Locked]) -> Build | None:
    """The build that a target asks for; None if it takes the image as it is released."""
    ours = target.images.ours
    if isinstance(ours, ReleasedImage):
        return None
    base = reference.reference(IMAGES["python"], target.images.registry, locked)
    return Build(
        tag=f"{_repository(target, ours)}:{IMAGES[reference.OURS].rpartition(':')[2]}",
        platforms=tuple(ours.platforms),
        arguments={"PYTHON_IMAGE": base, "SOURCE_DATE_EPOCH": str(_EPOCH)},
        secret_files={str(name): path for name, path in ours.secrets.items()},
        builder=ours.builder,
    )


def _ours(
    target: OnKubernetes, locked: Mapping[str, Locked], opts: pulumi.ResourceOptions | None
) -> Any:
    if build := plan(target, locked):
        return SlipwayImage("image", build, opts).ref
    ours = target.images.ours
    return ours.reference if isinstance(ours, ReleasedImage) else None


def _repository(target: OnKubernetes, ours: ImageBuild) -> str:
    if isinstance(ours, PushedImage):
        return ours.push_to
    if isinstance(target, Kind):
        return f"localhost:{target.registry_port}/{_NAME}"
    raise TypeError(f"{type(target).__name__} has no registry of its own")


def _text(secret: str, path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"slipway:target.images.ours.secrets.{secret} is {path!r}: it cannot be read: {error}"
        ) from None
