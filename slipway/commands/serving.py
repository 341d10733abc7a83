"""The commands about what is served: one thin function each."""

# PLC0415: commands import what they need when they run. FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from infra.home import Home, stack_file

if TYPE_CHECKING:
    from slipway.models.slots import Slots

StackName = Annotated[
    str, typer.Option("--stack", "-s", envvar="SLIPWAY_STACK", help="Which Pulumi stack.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For a script: JSON on stdout.")]

_out = Console(soft_wrap=True)


def traffic(
    challenger: Annotated[
        str | None, typer.Option(help="Its share of routing keys from now on, 0 to 1.")
    ] = None,
    stack: StackName = "local",
    as_json: AsJson = False,
) -> None:
    """Each slot's version and its share of requests; with --challenger, another share first."""
    from slipway.models import slots
    from slipway.reporting import tables
    from slipway.reporting.summary import plain

    weight = None if challenger is None else slots.weight(challenger)
    found = _slots(stack)
    if weight is not None:
        found.weigh(weight)
    seen = found.look()
    typer.echo(json.dumps(plain(seen), indent=1)) if as_json else tables.slots(_out, seen)
    if weight and not as_json and not any(slot.share == weight for slot in seen):
        _out.print("kept for the next: slipway release VERSION --slot challenger")


def release(
    version: Annotated[str, typer.Argument(help="A version in MLflow; `none` empties a slot.")],
    slot: Annotated[str, typer.Option(help="champion, challenger or shadow.")] = "champion",
    stack: StackName = "local",
) -> None:
    """Put a version into a slot, and say how to go back. The model server follows by itself."""
    from slipway.reporting import tables

    tables.released(_out, slot, version, _slots(stack).release(version, slot))


def feedback(
    file: Annotated[Path, typer.Argument(help="CSV, or a JSON object a line: id, value, row.")],
    stack: StackName = "local",
) -> None:
    """Hand labels to the model server: what turned out to be true of predictions, by their id."""
    from slipway.models import feedback as labels
    from slipway.stack.running import of_stack

    given = labels.read(file)
    taken = labels.send(of_stack(Home.of_environment(), stack), given)
    _out.print(f"{taken} labels are kept")


def _slots(stack: str) -> Slots:
    from infra import settings
    from slipway.models.slots import Slots
    from slipway.stack.running import of_stack

    chosen = settings.from_file(stack_file(stack)).serving
    return Slots(of_stack(Home.of_environment(), stack), chosen)
