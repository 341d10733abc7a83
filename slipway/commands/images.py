"""The commands of `slipway images`: one thin function each."""

# PLC0415: commands import what they need when they run. FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from slipway.commands import target
from slipway.commands.console import out, print_json, progress
from slipway.commands.options import AsJson, StackName  # noqa: TC001 - Typer reads annotations at run time

if TYPE_CHECKING:
    from slipway.images.crane import Crane
    from slipway.progress import Progress

app = typer.Typer(help="The container images that a cluster pulls.", no_args_is_help=True)

PlainHttp = Annotated[
    bool, typer.Option("--plain-http", help="For a registry that has no TLS and is not local.")
]


@app.command("list")
def list_images(
    stack: StackName = "local",
    as_json: AsJson = False,
) -> None:
    """Each image with its locked digest, and the services of a stack that run it."""
    from infra.images import reference
    from infra.services import all_services
    from slipway.images import listing

    place = target.of_stack(stack)
    services = all_services(place.settings, grafana_at_hand=True)
    images = listing.images(services, place.image_registry, reference.read_lock())
    if as_json:
        print_json([image.as_json() for image in images])
    else:
        listing.show(out, images)


@app.command("lock")
def lock_images(plain_http: PlainHttp = False) -> None:
    """Pin what each tag of others stands for now, in infra/images.lock."""
    from infra.images import reference
    from slipway.images import locking

    work = progress()
    crane = _crane(work, plain_http=plain_http)
    locking.lock(crane, reference.third_party().values(), reference.LOCK, work.plain)


@app.command("mirror")
def mirror_images(
    registry: Annotated[str, typer.Argument(help="HOST[:PORT][/PATH] of a private registry.")],
    plain_http: PlainHttp = False,
    as_json: AsJson = False,
) -> None:
    """Copy every image of others to a private registry. Run again, it goes on."""
    from infra.images import reference
    from slipway.images import mirroring

    work = progress(as_json=as_json)
    crane = _crane(work, plain_http=plain_http)
    images = reference.third_party().values()
    copied = mirroring.mirror(crane, images, registry, reference.read_lock(), work.plain)
    if as_json:
        print_json([copy.as_json() for copy in copied])
    else:
        out.print(f"{len(copied)} images are in {registry}: set target.images.registry to it")


def _crane(work: Progress, *, plain_http: bool) -> Crane:
    from infra.home import Home
    from slipway import toolchain
    from slipway.images.crane import Crane

    tools = Home.of_environment().tools
    found = toolchain.ensure(["crane"], tools_dir=tools, progress=work.tool)
    return Crane(found["crane"].path, plain_http)
