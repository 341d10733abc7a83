"""The commands about a stack as a whole: one thin function each."""

# PLC0415: commands import what they need when they run. FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads annotations at run time
from typing import Annotated

import typer

from slipway.commands import options, target
from slipway.commands.console import out, print_json, progress
from slipway.commands.options import AsJson, StackName, Yes  # noqa: TC001 - as above
from slipway.exits import Exit

app = typer.Typer()


@app.command()
def up(
    stack: StackName = "local",
    train: Annotated[bool, typer.Option(help="Train a first model if none is released.")] = True,
    as_json: AsJson = False,
) -> None:
    """Stand the platform up, or make it what its settings say now."""
    from slipway.reporting import summary

    place = target.of_stack(stack)
    outcome = summary.summary(place, place.up(progress(as_json=as_json), train=train))
    print_json(outcome.as_json()) if as_json else summary.show(out, outcome)
    raise typer.Exit(outcome.exit_code)


@app.command()
def down(stack: StackName = "local", yes: Yes = False) -> None:
    """Destroy the platform: processes, ports, data, files. The tool cache stays."""
    if not yes:
        typer.confirm(f"Destroy stack {stack} with all its data and models?", abort=True)
    target.of_stack(stack).down(progress())
    out.print(f"Stack {stack} is gone.")


@app.command()
def status(stack: StackName = "local", as_json: AsJson = False) -> None:
    """Each service and what is served. Exit code 0: all answer; 1: not all, or no model; 5: not up.

    It says what a load balancer is told: a model server without a model takes no requests.
    """
    from slipway.operations.target import all_up
    from slipway.reporting import tables
    from slipway.stack import renamed

    place = target.of_stack(stack)
    running = place.running()
    renamed.require_settled(place.home, stack)
    states = place.services(running)
    if as_json:
        print_json([state.as_json() for state in states])
    else:
        tables.services(out, states, stack)
    raise typer.Exit(Exit.OK if all_up(states) else Exit.FAILED)


@app.command()
def logs(
    service: Annotated[
        str,
        typer.Argument(help="A service, or `supervisor`.", autocompletion=options.complete_service),
    ],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines.")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many to begin with.")
    ] = 50,
    stack: StackName = "local",
) -> None:
    """The log of a service."""
    for line in target.of_stack(stack).log(service, lines, follow=follow):
        typer.echo(line)


@app.command("report")
def report_page(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The HTML file; else one of the stack's.")
    ] = None,
    minutes: Annotated[int, typer.Option(min=1, max=10080, help="How far back it looks.")] = 60,
    stack: StackName = "local",
) -> None:
    """Write one HTML page: services, the champion, and the dashboards' plots. Prints its path."""
    from slipway.reporting.page import file

    typer.echo(file.write(target.of_stack(stack), minutes, output))


@app.command()
def rename(
    former: Annotated[
        str | None, typer.Argument(help="What the stack was called; else as it is now.")
    ] = None,
    stack: StackName = "local",
) -> None:
    """Take a stack along after the project in Pulumi.yaml, or the stack, got another name."""
    from slipway import hints
    from slipway.stack import renamed

    state = renamed.take_along(target.of_stack(stack).home, stack, former or stack)
    out.print(
        f"Stack {state.name} of project {state.project} is stack {stack} of this project now:"
        f" to go on with it: {hints.slipway(stack, 'up')}",
        markup=False,
        highlight=False,
    )


@app.command()
def env(context: typer.Context, stack: StackName = "local") -> None:
    """Shell lines for plain `pulumi`, and for clients of a stack that is up.

    Use: eval "$(slipway env)". MLflow, S3's clients and the lake's readers then find the stack.
    Pulumi works on the stack that is named; else on the one it worked on.
    """
    from contextlib import suppress

    from infra.errors import ToolMissingError
    from infra.home import Home
    from slipway.stack import environment, workspace

    home = Home.of_environment()
    environment.prepare(home)
    source = context.get_parameter_source("stack")
    is_named = source is not None and source.name != "DEFAULT"
    with suppress(ToolMissingError):  # who has no tools yet comes for the way to them
        if is_named or not workspace.is_any_selected(home):
            workspace.select(home, stack)
    for line in environment.shell_lines(home):
        typer.echo(line)
    for line in target.of_stack(stack).client_lines():
        typer.echo(line)
