"""Options that many commands have, and how a shell completes what is written for them.

Completing reads names of files only: a shell asks at each press of a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts import slots, variables
from infra.home import Home, stack_file, stack_names
from pipelines import PIPELINES
from slipway.hints import STACK_BY_DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable


STACK: Final = "stack"
"""Under which name the context's object holds the stack of the command that runs."""


def existing_stack(context: typer.Context, name: str) -> str:
    """The name of a stack that has a file of settings; who shows what goes wrong finds it noted.

    Raises:
        SettingsError: there is none of that name.
    """
    context.find_root().ensure_object(dict)[STACK] = name
    if name not in stack_names():
        from infra.settings import reading  # noqa: PLC0415 - only to say what is wrong

        reading.from_file(stack_file(name))
    return name


def complete_stack(incomplete: str) -> list[str]:
    """Stacks that have a file of settings."""
    return _beginning(incomplete, stack_names())


def complete_pipeline(incomplete: str) -> list[str]:
    """Files of `pipelines/`."""
    return _beginning(incomplete, PIPELINES)


def complete_parameter(ctx: typer.Context, incomplete: str) -> list[str]:
    """Parameters of the pipeline that was named, as `--set` takes them."""
    from slipway.runs import pipeline_signatures  # noqa: PLC0415 - only for a shell that asks

    names = [
        f"{parameter.name}="
        for signature in pipeline_signatures.known()
        if ctx.params.get("pipeline") in {None, signature.name}
        for parameter in signature.parameters
    ]
    return _beginning(incomplete, names)


def complete_service(ctx: typer.Context, incomplete: str) -> list[str]:
    """Services of a stack on this machine that have ever run."""
    stack = Home.of_environment().stack(ctx.params.get("stack") or STACK_BY_DEFAULT)
    services = sorted(path.name for path in stack.service("_").parent.glob("*"))
    return _beginning(incomplete, ["supervisor", *services])


def complete_slot(incomplete: str) -> list[str]:
    """Slots of the served model."""
    return _beginning(incomplete, [*slots.NAMES])


StackName = Annotated[
    str,
    typer.Option(
        "--stack",
        "-s",
        envvar=variables.STACK,
        help="Which Pulumi stack.",
        callback=existing_stack,
        autocompletion=complete_stack,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="For a script: JSON on stdout.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
SlotName = Annotated[
    str,
    typer.Option("--slot", help="champion, challenger or shadow.", autocompletion=complete_slot),
]


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
