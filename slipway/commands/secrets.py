"""The commands of `slipway secrets`: one thin function each."""

# PLC0415: commands import what they need when they run.
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Annotated

import typer

from infra.home import Home
from slipway.commands.console import out, progress
from slipway.commands.options import StackName  # noqa: TC001 - Typer reads annotations at run time

app = typer.Typer(help="The secrets that a stack generated.", no_args_is_help=True)


@app.command("list")
def list_secrets(stack: StackName = "local") -> None:
    """Their names; never what they are."""
    from slipway.operations import secret_rotation

    for name in secret_rotation.names(Home.of_environment(), stack):
        typer.echo(name)


@app.command("show")
def show_secret(
    name: Annotated[str, typer.Argument(help="As `slipway secrets list` has it.")],
    stack: StackName = "local",
) -> None:
    """What one of them is, to hand to whom it is for: a caller's key, for example."""
    from slipway.operations import secret_rotation

    typer.echo(secret_rotation.text(Home.of_environment(), stack, name))


@app.command()
def rotate(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all if none is named.")] = None,
    stack: StackName = "local",
) -> None:
    """Make secrets anew; every service that reads one is restarted with it."""
    from slipway.operations import secret_rotation

    renewed = secret_rotation.rotate(Home.of_environment(), stack, names or [], progress())
    out.print(f"New: {', '.join(renewed)}")
