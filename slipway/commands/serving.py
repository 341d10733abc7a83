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
from slipway import hints
from slipway.commands import options
from slipway.commands.options import AsJson, StackName  # noqa: TC001 - Typer reads annotations at run time

if TYPE_CHECKING:
    from slipway.models.slots import Slots

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
    typer.echo(json.dumps(plain(seen), indent=1)) if as_json else tables.slots(_out, seen, stack)
    if weight and not as_json and not any(slot.share == weight for slot in seen):
        line = hints.slipway(stack, "release", "VERSION", "--slot", "challenger")
        _out.print(f"kept for the next: {line}", markup=False)


def release(
    version: Annotated[str, typer.Argument(help="A version in MLflow; `none` empties a slot.")],
    slot: Annotated[
        str,
        typer.Option(help="champion, challenger or shadow.", autocompletion=options.complete_slot),
    ] = "champion",
    stack: StackName = "local",
) -> None:
    """Put a version into a slot, and say how to go back. The model server follows by itself."""
    from slipway.reporting import tables

    before = _slots(stack).release(version, slot)
    tables.released(_out, stack, slot, version, before)


def feedback(
    file: Annotated[Path, typer.Argument(help="CSV, or a JSON object a line: id, value, row.")],
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Leave out what is no label, and list it.")
    ] = False,
    stack: StackName = "local",
) -> None:
    """Hand labels to the model server: what turned out to be true of predictions, by their id.

    A file is taken whole or not at all, unless --skip-invalid is set.
    """
    from infra.settings import reading
    from slipway.models import feedback as labels
    from slipway.stack.running import of_stack

    limit = reading.from_file(stack_file(stack)).serving.max_body_bytes
    given = labels.read(file, skip_invalid=skip_invalid)
    taken = labels.send(of_stack(Home.of_environment(), stack), given, limit)
    for said in given.wrong:
        typer.echo(said, err=True)
    left_out = f", {len(given.wrong)} are left out" if given.wrong else ""
    _out.print(f"{taken} labels are kept{left_out}")


def _slots(stack: str) -> Slots:
    from infra.settings import reading
    from slipway.models.slots import Slots
    from slipway.stack.running import of_stack

    chosen = reading.from_file(stack_file(stack)).serving
    return Slots(of_stack(Home.of_environment(), stack), chosen)
