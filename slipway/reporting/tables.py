"""What the commands print: tables of plain data, nothing decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from infra.kubeflow.parameters import in_words
from serving.errors import one_line
from slipway import hints
from slipway.models import served
from slipway.operations.target import Pods, Process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from infra.policies import Violation
    from slipway.models.explanation import Explanation
    from slipway.models.predict import Prediction
    from slipway.models.served import Served
    from slipway.models.slots import Slot
    from slipway.operations.target import ServiceState
    from slipway.runs.pipeline_signatures import Signature
    from slipway.stack.running import Champion

_LONGEST_VALUE = 200
_COLOURS = {
    "up": "green",
    "not ready": "red",
    "starting": "yellow",
    "down": "red",
    "gone": "red",
}


def services(console: Console, states: Sequence[ServiceState], stack: str) -> None:
    """A table of services and their state, what is wrong with each, and what is served."""
    rows = [_service(state) for state in states]
    table = _table(*dict.fromkeys(column for row in rows for column in row))
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
    for state in states:
        if isinstance(state.instance, Process) and (last := state.instance.last_exit):
            _dim(console, f"{state.name} last ended at {last}")
    for state in states:
        if state.trouble:
            line = hints.pasteable(state.trouble, stack)
            console.print(f"[red]{escape(state.name)}[/red]: {escape(line)}", highlight=False)
    for model in (state.model for state in states if state.model):
        _served(console, model, stack)


def _service(service: ServiceState) -> dict[str, str]:
    """The cells of a service by their columns: pods have no address that a person can open."""
    colour = _COLOURS[service.state]
    head = {"service": escape(service.name), "state": f"[{colour}]{service.state}[/{colour}]"}
    version, restarts = escape(service.version), str(service.restarts)
    match service.instance:
        case Process(seconds=seconds):
            url, up_for = escape(service.url), duration(seconds)
            cells = {"url": url, "version": version, "up for": up_for, "restarts": restarts}
        case Pods(ready=ready, desired=desired):
            cells = {"pods": f"{ready}/{desired}", "restarts": restarts, "version": version}
    return head | cells


def _served(console: Console, model: Served, stack: str) -> None:
    """The slots of the model server: what each serves, and what was refused; how many fail."""
    if model.untrained:
        line = hints.slipway(stack, "run", "training")
        console.print(f"It has no model yet: {escape(line)}", highlight=False)
        return
    if not model.slots:
        return
    console.print()
    console.print(f"Model [bold]{escape(model.model)}[/bold], {_failing(model)}", highlight=False)
    table = _table("slot", "serves")
    for slot in model.slots:
        table.add_row(escape(slot.slot), escape(slot.version or "-"))
    console.print(table)
    for slot in model.slots:
        if refused := slot.refused:
            heading = f"refused for {slot.slot}: version {refused.version} ({refused.reason}):"
            line = escape(" ".join(refused.error.split()))
            console.print(f"[red]{escape(heading)}[/red] {line}", highlight=False)


def _failing(model: Served) -> str:
    if model.error_share is None:
        return f"no requests seen in {served.ERROR_MINUTES} minutes"
    colour = "red" if model.error_share else "green"
    share = f"{model.error_share:.2%}"
    failed = f"[{colour}]{share}[/{colour}]"
    return f"{failed} of the requests of {served.ERROR_MINUTES} minutes failed (5xx)"


def pipelines(console: Console, signatures: Sequence[Signature]) -> None:
    """Each pipeline, and a line for each of its parameters."""
    console.print("[bold]Pipelines, and what --set gives each:[/bold]\n")
    for signature in signatures:
        description = escape(signature.description)
        console.print(f" [bold]{escape(signature.name)}[/bold]  {description}", highlight=False)
        table = _table("   parameter", "default", "is", "")
        table.columns[-1].no_wrap = False
        for parameter in signature.parameters:
            default = "(none)" if parameter.default is None else parameter.default or "(empty)"
            table.add_row(
                f"   {escape(parameter.name)}",
                escape(default),
                in_words(parameter.kind),
                escape(parameter.meaning),
            )
        console.print(table, soft_wrap=False, highlight=False)
        console.print()


def violations(console: Console, violations: Sequence[Violation]) -> None:
    """A line for each object that breaks a rule."""
    for violation in violations:
        console.print(
            escape(f"{violation.kind} {violation.name} breaks {violation.rule}: {violation.detail}")
        )
    if not violations:
        console.print("No object breaks a rule.")


def champion(console: Console, model: str, released: Champion | None) -> None:
    """The released model: version and digest."""
    if released is None:
        console.print(f"No model of [bold]{escape(model)}[/bold] is released yet.")
        return
    console.print(
        f"Champion [bold]{escape(model)}[/bold] version [bold]{escape(released.version)}[/bold]"
        f"  {escape(released.digest)}"
    )


def slots(console: Console, slots: Sequence[Slot], stack: str) -> None:
    """A table of slots: what is released to each, and what it gets of the requests."""
    table = _table("slot", "version", "share", "")
    for slot in slots:
        share = f"{slot.share:.1%}" if slot.served is not None else "scored later"
        state = {True: "served", False: "[yellow]not served (yet)[/yellow]", None: ""}[slot.served]
        table.add_row(
            escape(slot.name),
            escape(slot.version or "-"),
            share if slot.version else "-",
            state if slot.version else "",
        )
    console.print(table)
    if any(slot.version and slot.served is False for slot in slots):
        _dim(console, f"what became of it: {hints.slipway(stack, 'status')}")


def released(console: Console, stack: str, slot: str, version: str, before: str) -> None:
    """What a slot has now, and the way back to what it had."""
    way_back = before or "none"
    console.print(f"{escape(slot)}: {escape(version)}, was {escape(way_back)}")
    if way_back != version and (before or slot != "champion"):
        _dim(console, f"back: {hints.slipway(stack, 'release', way_back, '--slot', slot)}")


def metrics(console: Console, model: Mapping[str, float], baseline: Mapping[str, float]) -> None:
    """Held-out metrics of a model beside those of the baseline."""
    table = _table("held-out metric", "model", "baseline")
    for name, value in model.items():
        other = f"{baseline[name]:.4f}" if name in baseline else ""
        table.add_row(escape(name), f"{value:.4f}", other)
    console.print(table)


def prediction(console: Console, prediction: Prediction) -> None:
    """A prediction: what was asked, what was answered, how long it took."""
    for index, row in enumerate(prediction.rows):
        features = ", ".join(
            f"{name}={one_line(str(value), _LONGEST_VALUE)}" for name, value in row.items()
        )
        outputs = ", ".join(
            f"{name} {_said(values[index])}" for name, values in prediction.outputs.items()
        )
        console.print(f"Prediction [bold]{escape(outputs)}[/bold]  [dim]{escape(features)}[/dim]")
        for explained in prediction.explanations:
            if explained.row == index:
                explanation(console, explained, row)
    console.print(
        f"by version {escape(prediction.version)}, over HTTP in"
        f" [bold]{prediction.milliseconds:.1f} ms[/bold]"
    )


def explanation(console: Console, explanation: Explanation, row: Mapping[str, object]) -> None:
    """Why a row was predicted so: its features by how much they contributed."""
    table = _table("feature", "value", "contribution")
    # A long text takes its own room, not that of the figures beside it.
    table.columns[1].no_wrap, table.columns[1].overflow = False, "fold"
    table.columns[-1].justify = "right"
    for name, contribution in explanation.contributions.items():
        value = one_line(str(row.get(name, "")), _LONGEST_VALUE)
        table.add_row(escape(name), escape(value), f"{contribution:+.4f}")
    console.print(
        f"{escape(explanation.output)} is [bold]{explanation.base_value:.4f}[/bold] on average,"
        " moved here by"
    )
    console.print(table)


def _said(value: object) -> str:
    """A value of an output: numbers with 4 digits, others as they are."""
    if isinstance(value, list):
        return f"[{', '.join(map(_said, value))}]"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def next_steps(console: Console, steps: Sequence[tuple[str, str]]) -> None:
    """What to try next: commands, and what each is for."""
    console.print("\nNext:")
    width = max(len(command) for command, _ in steps)
    for command, meaning in steps:
        padded = escape(f"{command:<{width}}")
        console.print(f"  [bold]{padded}[/bold]  [dim]{meaning}[/dim]", highlight=False)


def _dim(console: Console, line: str) -> None:
    console.print(f"[dim]{escape(line)}[/dim]", highlight=False)


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
