"""The commands of `slipway models`: one thin function each."""

# PLC0415: commands import what they need when they run. FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from typing import Annotated

import typer

from slipway.commands import target
from slipway.commands.options import SlotName, StackName, Yes  # noqa: TC001 - Typer reads annotations at run time

app = typer.Typer(help="Versions of the served model.", no_args_is_help=True)


@app.callback()
def models() -> None:
    """Versions of the served model."""


@app.command()
def resign(
    version: Annotated[
        str | None, typer.Argument(help="A version in MLflow; else the one in --slot.")
    ] = None,
    slot: SlotName = "champion",
    stack: StackName = "local",
    yes: Yes = False,
) -> None:
    """Sign a version anew with the stack's key, and put it where it was. Nothing is restarted."""
    from slipway.models.resigning import Resigning

    place = target.of_stack(stack)
    serving = place.settings.serving
    resigning = Resigning(place.running(), serving)
    released = resigning.find(version, slot)
    typer.echo(f"{serving.model} version {released.version}  {released.digest}")
    typer.echo(f"signed by {released.signer}; in use as {', '.join(released.aliases) or 'nothing'}")
    if released.ours:
        typer.echo("nothing to do")
        return
    if not yes:
        typer.confirm("Vouch for it with the stack's key?", abort=True)
    signed = resigning.sign(released)
    typer.echo(f"version {signed} is the same model, signed with the stack's key")
