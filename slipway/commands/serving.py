"""The commands about what is served: one thin function each."""

# PLC0415: commands import what they need when they run. FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from slipway import hints
from slipway.commands import target
from slipway.commands.console import out, print_json
from slipway.commands.options import AsJson, SlotName, StackName  # noqa: TC001 - as above

if TYPE_CHECKING:
    from slipway.models.slots import Slots

app = typer.Typer()


@app.command()
def predict(
    file: Annotated[
        Path | None,
        typer.Option(help="JSON: a row of named features, a list; .jsonl: a line each."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how much each feature contributed.")
    ] = False,
    stack: StackName = "local",
    as_json: AsJson = False,
) -> None:
    """Ask the served model; without a file, for the example row that it carries."""
    from slipway.models import predict
    from slipway.reporting import tables

    place = target.of_stack(stack)
    prediction = predict.of_file(place.running(), place.settings.serving, file, explain=explain)
    print_json(prediction) if as_json else tables.prediction(out, prediction)


@app.command()
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

    weight = None if challenger is None else slots.weight(challenger)
    model = _slots(stack)
    if weight is not None:
        model.set_weight(weight)
    listing = model.list()
    print_json(listing) if as_json else tables.slots(out, listing, stack)
    if weight and not as_json and not any(slot.share == weight for slot in listing):
        line = hints.slipway(stack, "release", "VERSION", "--slot", "challenger")
        out.print(f"kept for the next: {line}", markup=False)


@app.command()
def release(
    version: Annotated[str, typer.Argument(help="A version in MLflow; `none` empties a slot.")],
    slot: SlotName = "champion",
    stack: StackName = "local",
) -> None:
    """Put a version into a slot, and say how to go back. The model server follows by itself."""
    from slipway.reporting import tables

    before = _slots(stack).release(version, slot)
    tables.released(out, stack, slot, version, before)


@app.command()
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
    from slipway.models import feedback

    place = target.of_stack(stack)
    labels = feedback.read(file, skip_invalid=skip_invalid)
    kept = feedback.send(place.running(), labels, place.settings.serving.max_body_bytes)
    for line in labels.wrong:
        typer.echo(line, err=True)
    left_out = f", {len(labels.wrong)} are left out" if labels.wrong else ""
    out.print(f"{kept} labels are kept{left_out}")


def _slots(stack: str) -> Slots:
    from slipway.models.slots import Slots

    place = target.of_stack(stack)
    return Slots(place.running(), place.settings.serving)
