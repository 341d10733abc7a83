"""The commands of `slipway keys`: one thin function each."""

# PLC0415: commands import what they need when they run.
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Annotated

import typer

from infra.home import stack_file

app = typer.Typer(help="Who may ask the model server.", no_args_is_help=True)

StackName = Annotated[
    str, typer.Option("--stack", "-s", envvar="SLIPWAY_STACK", help="Which Pulumi stack.")
]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The caller, as logs are to name it.")],
    stack: StackName = "local",
) -> None:
    """Make a caller's key. It is shown once and kept nowhere; the settings get its hash."""
    from slipway.models import api_keys

    made = api_keys.new(stack_file(stack), name)
    typer.echo(made.key)
    typer.echo(made.advice, err=True)


@app.command("list")
def list_keys(stack: StackName = "local") -> None:
    """The callers by name, and where their keys are."""
    from slipway.models import api_keys

    for name, place in api_keys.known(stack_file(stack)).items():
        typer.echo(f"{name}\t{place}")
