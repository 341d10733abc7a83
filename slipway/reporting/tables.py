"""What the commands print: tables of plain data, nothing decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from infra.policies import Violation
    from slipway.models.explanation import Explanation
    from slipway.models.predict import Prediction
    from slipway.models.slots import Slot
    from slipway.operations.cluster.status import ServicePods
    from slipway.operations.processes.status import ServiceState
    from slipway.stack.running import Champion

_COLOURS = {"up": "green", "starting": "yellow", "down": "red", "gone": "red"}
_NEXT = (
    ("slipway status", "each service, its state and restarts"),
    ("slipway predict", "one more prediction; --file rows.json for your own"),
    ("slipway run training --set months=1-6", "a model from more data"),
    ("slipway traffic", "the versions in service and their shares of requests"),
    ('eval "$(slipway env)" && pulumi preview', "the same stack with plain Pulumi"),
    ("slipway down", "destroy all of it"),
)


def services(console: Console, found: list[ServiceState]) -> None:
    """A table of services and their state."""
    table = _table("service", "state", "url", "version", "up for", "restarts")
    for service in found:
        colour = _COLOURS[service.state]
        table.add_row(
            escape(service.name),
            f"[{colour}]{service.state}[/{colour}]",
            escape(service.url),
            escape(service.version),
            duration(service.seconds),
            str(service.restarts),
        )
    console.print(table)
    for service in found:
        if service.last_exit:
            console.print(
                f"[dim]{escape(service.name)} last ended at {escape(service.last_exit)}[/dim]"
            )


def violations(console: Console, found: Sequence[Violation]) -> None:
    """A line for each object that breaks a rule."""
    for each in found:
        console.print(escape(f"{each.kind} {each.name} breaks {each.rule}: {each.detail}"))
    if not found:
        console.print("No object breaks a rule.")


def pods(console: Console, found: list[ServicePods]) -> None:
    """A table of a cluster's services and their pods, and what is wrong with one of each."""
    table = _table("service", "state", "pods", "restarts", "version")
    for service in found:
        colour = _COLOURS[service.state]
        table.add_row(
            escape(service.name),
            f"[{colour}]{service.state}[/{colour}]",
            f"{service.ready}/{service.desired}",
            str(service.restarts),
            escape(service.version),
        )
    console.print(table)
    for service in found:
        if service.trouble:
            console.print(f"[red]{escape(service.name)}[/red]: {escape(service.trouble)}")


def champion(console: Console, model: str, released: Champion | None) -> None:
    """The released model: version and digest."""
    if released is None:
        console.print(f"No model of [bold]{escape(model)}[/bold] is released yet.")
        return
    console.print(
        f"Champion [bold]{escape(model)}[/bold] version [bold]{escape(released.version)}[/bold]"
        f"  {escape(released.digest)}"
    )


def slots(console: Console, found: Sequence[Slot]) -> None:
    """A table of slots: what is released to each, and what it gets of the requests."""
    table = _table("slot", "version", "share", "")
    for slot in found:
        share = f"{slot.share:.1%}" if slot.served is not None else "scored later"
        behind = "[yellow]not served (yet): see `slipway logs serving`[/yellow]"
        state = {True: "served", False: behind, None: ""}[slot.served]
        table.add_row(
            escape(slot.name),
            escape(slot.version or "-"),
            share if slot.version else "-",
            state if slot.version else "",
        )
    console.print(table)


def released(console: Console, slot: str, version: str, before: str) -> None:
    """What a slot has now, and the way back to what it had."""
    way_back = before or "none"
    console.print(f"{escape(slot)}: {escape(version)}, was {escape(way_back)}")
    if way_back != version and (before or slot != "champion"):
        console.print(f"[dim]back: slipway release {escape(way_back)} --slot {slot}[/dim]")


def metrics(console: Console, model: Mapping[str, float], baseline: Mapping[str, float]) -> None:
    """Held-out metrics of a model beside those of the baseline."""
    table = _table("held-out metric", "model", "baseline")
    for name, value in model.items():
        other = f"{baseline[name]:.4f}" if name in baseline else ""
        table.add_row(escape(name), f"{value:.4f}", other)
    console.print(table)


def prediction(console: Console, made: Prediction) -> None:
    """A prediction: what was asked, what was answered, how long it took."""
    for index, row in enumerate(made.rows):
        asked = ", ".join(f"{name}={value}" for name, value in row.items())
        said = ", ".join(f"{name} {values[index]:.4f}" for name, values in made.outputs.items())
        console.print(f"Prediction [bold]{escape(said)}[/bold]  [dim]{escape(asked)}[/dim]")
        for each in made.explanations:
            if each.row == index:
                explanation(console, each, row)
    console.print(
        f"by version {escape(made.version)}, over HTTP in [bold]{made.milliseconds:.1f} ms[/bold]"
    )


def explanation(console: Console, found: Explanation, row: Mapping[str, object]) -> None:
    """Why a row was predicted so: its features by how much they contributed."""
    table = _table("feature", "value", "contribution")
    table.columns[-1].justify = "right"
    for name, contribution in found.contributions.items():
        table.add_row(escape(name), escape(str(row.get(name, ""))), f"{contribution:+.4f}")
    console.print(
        f"{escape(found.output)} is [bold]{found.base_value:.4f}[/bold] on average, moved here by"
    )
    console.print(table)


def next_steps(console: Console, steps: Sequence[tuple[str, str]] = _NEXT) -> None:
    """What to try next: commands, and what each is for."""
    console.print("\nNext:")
    width = max(len(command) for command, _ in steps)
    for command, meaning in steps:
        padded = escape(f"{command:<{width}}")
        console.print(f"  [bold]{padded}[/bold]  [dim]{meaning}[/dim]", highlight=False)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def duration(seconds: int) -> str:
    """How long something has run, roughly."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds} s"
    minutes, hours = seconds // 60, seconds // 3600
    return f"{minutes} min" if hours == 0 else f"{hours} h {minutes % 60} min"
