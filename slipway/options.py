"""Options that many commands have."""

from __future__ import annotations

from typing import Annotated

import typer

from slipway.commands import STACK_VARIABLE


def _in_force(context: typer.Context, name: str) -> str:
    """Note the stack of the command that runs, for who shows what goes wrong."""
    context.find_root().ensure_object(dict)[STACK] = name
    return name


STACK = "stack"
"""Under which name the context's object holds the stack of the command that runs."""

StackName = Annotated[
    str,
    typer.Option(
        "--stack", "-s", envvar=STACK_VARIABLE, help="Which Pulumi stack.", callback=_in_force
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="For a script: JSON on stdout.")]
