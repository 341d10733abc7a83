"""The commands of `slipway models`: one thin function each."""

# PLC0415: commands import what they need when they run. FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from typing import Annotated

import typer

from infra.home import Home, stack_file
from slipway.commands import options
from slipway.commands.options import StackName  # noqa: TC001 - Typer reads annotations at run time

app = typer.Typer(help="Versions of the served model.", no_args_is_help=True)


@app.callback()
def models() -> None:
    """Versions of the served model."""


@app.command()
def resign(
    version: Annotated[
        str | None, typer.Argument(help="A version in MLflow; else the one in --slot.")
    ] = None,
    slot: Annotated[
        str,
        typer.Option(help="champion, challenger or shadow.", autocompletion=options.complete_slot),
    ] = "champion",
    stack: StackName = "local",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Sign a version anew with the stack's key, and put it where it was. Nothing is restarted."""
    from infra.settings import reading
    from slipway.models.resigning import Resigning
    from slipway.stack.running import of_stack

    chosen = reading.from_file(stack_file(stack)).serving
    resigning = Resigning(of_stack(Home.of_environment(), stack), chosen)
    found = resigning.find(version, slot)
    typer.echo(f"{chosen.model} version {found.version}  {found.digest}")
    typer.echo(f"signed by {found.signer}; in use as {', '.join(found.aliases) or 'nothing'}")
    if found.ours:
        typer.echo("nothing to do")
        return
    if not yes:
        typer.confirm("Vouch for it with the stack's key?", abort=True)
    made = resigning.sign(found)
    typer.echo(f"version {made} is the same model, signed with the stack's key")
