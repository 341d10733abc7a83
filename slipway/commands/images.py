"""The commands of `slipway images`: one thin function each."""

# PLC0415: commands import what they need when they run. FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from slipway.commands.options import AsJson, StackName  # noqa: TC001 - Typer reads annotations at run time

if TYPE_CHECKING:
    from slipway.images.crane import Crane
    from slipway.progress import Progress

app = typer.Typer(help="The container images that a cluster pulls.", no_args_is_help=True)

PlainHttp = Annotated[
    bool, typer.Option("--plain-http", help="For a registry that has no TLS and is not local.")
]

_out = Console(soft_wrap=True)
_err = Console(stderr=True, soft_wrap=True)


@app.command("list")
def list_images(
    stack: StackName = "local",
    as_json: AsJson = False,
) -> None:
    """Each image with its locked digest, and the services of a stack that run it."""
    from infra.home import stack_file
    from infra.images import reference
    from infra.services import all_services
    from infra.settings import reading
    from slipway.images import listing

    chosen = reading.from_file(stack_file(stack))
    registry = None if chosen.target.kind == "processes" else chosen.target.images.registry
    services = all_services(chosen, grafana_at_hand=True)
    found = listing.images(services, registry, reference.read_lock())
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in found], indent=1))
    else:
        listing.show(_out, found)


@app.command("lock")
def lock_images(plain_http: PlainHttp = False) -> None:
    """Pin what each tag of others stands for now, in infra/images.lock."""
    from infra.images import reference
    from slipway.images import locking
    from slipway.progress import Progress

    progress = Progress(_out)
    crane = _crane(progress, plain_http=plain_http)
    locking.lock(crane, reference.third_party().values(), reference.LOCK, progress.plain)


@app.command("mirror")
def mirror_images(
    registry: Annotated[str, typer.Argument(help="HOST[:PORT][/PATH] of a private registry.")],
    plain_http: PlainHttp = False,
    as_json: AsJson = False,
) -> None:
    """Copy every image of others to a private registry. Run again, it goes on."""
    from infra.images import reference
    from slipway.images import mirroring
    from slipway.progress import Progress

    progress = Progress(_err if as_json else _out)
    crane = _crane(progress, plain_http=plain_http)
    images = reference.third_party().values()
    copied = mirroring.mirror(crane, images, registry, reference.read_lock(), progress.plain)
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in copied], indent=1))
    else:
        _out.print(f"{len(copied)} images are in {registry}: set target.images.registry to it")


def _crane(progress: Progress, *, plain_http: bool) -> Crane:
    from infra.home import Home
    from slipway import toolchain
    from slipway.images.crane import Crane

    tools = Home.of_environment().tools
    found = toolchain.ensure(["crane"], tools_dir=tools, progress=progress.tool)
    return Crane(found["crane"].path, plain_http)
