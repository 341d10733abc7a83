"""What a person sees while something long goes on; plain lines, so that a log keeps them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.markup import escape

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.runs.run import StepEvent
    from slipway.stack.workspace import Step

_DONE = {"create": "up", "update": "updated", "delete": "removed", "create-replacement": "replaced"}
_DOING = {"create": "starting", "update": "updating", "delete": "stopping"}


@dataclass
class Progress:
    """Progress on a console, each line with the seconds since the beginning."""

    console: Console
    _start: float = field(default_factory=time.monotonic)
    _started: dict[str, float] = field(default_factory=dict)

    def title(self, text: str) -> None:
        """Begin a part of the work."""
        self.console.print(f"[bold]{escape(text)}[/bold]")

    def line(self, text: str) -> None:
        """Say one thing."""
        elapsed = time.monotonic() - self._start
        self.console.print(f"[dim]{elapsed:6.1f}s[/dim]  {text}", highlight=False)

    def plain(self, text: str) -> None:
        """Say one thing that is no markup of ours."""
        self.line(escape(text))

    def tool(self, name: str, message: str) -> None:
        """What became of a tool, or what is being done about it."""
        self.line(f"{escape(name):<24} {escape(message)}")

    def step(self, step: Step) -> None:
        """What Pulumi begins and ends."""
        name, now = escape(step.resource), time.monotonic()
        if not step.done:
            self._started[step.resource] = now
            if word := _DOING.get(step.operation):
                self.line(f"{name:<24} [dim]{word}[/dim]")
        elif word := _DONE.get(step.operation):
            seconds = now - self._started.get(step.resource, now)
            self.line(f"{name:<24} [green]{word}[/green] in {seconds:.1f} s")

    def event(self, event: StepEvent) -> None:
        """What becomes of a pipeline's steps."""
        name = escape(event.step)
        match event.status:
            case "running":
                self.line(f"{name:<24} [dim]running[/dim]")
            case "succeeded":
                self.line(f"{name:<24} [green]done[/green] in {event.seconds:.1f} s")
            case "failed":
                self.line(f"{name:<24} [red]failed[/red] after {event.seconds:.1f} s")
