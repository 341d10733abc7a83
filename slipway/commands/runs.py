"""The command that runs pipelines."""

# PLC0415: commands import what they need when they run. FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from slipway.commands import options, target
from slipway.commands.console import out, print_json, progress
from slipway.commands.options import AsJson, StackName  # noqa: TC001 - Typer reads annotations at run time

app = typer.Typer()


class _RunCommand(TyperCommand):
    """Says in its help what pipelines there are, too, and what each can be given."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print it."""
        from slipway.reporting import tables
        from slipway.runs import pipeline_signatures

        super().format_help(ctx, formatter)
        tables.pipelines(out, pipeline_signatures.known())


@app.command(cls=_RunCommand)
def run(
    pipeline: Annotated[
        str,
        typer.Argument(
            help="A file of pipelines/, without its ending.",
            autocompletion=options.complete_pipeline,
        ),
    ],
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A pipeline parameter, as months=1-3.",
            autocompletion=options.complete_parameter,
        ),
    ] = None,
    follow: Annotated[
        str | None, typer.Option(help="On a cluster: a run's id; nothing is submitted.")
    ] = None,
    stack: StackName = "local",
    as_json: AsJson = False,
) -> None:
    """Run a pipeline. Exit code 0: succeeded; 1: a step failed; 3: the gate rejected the model."""
    from slipway.operations import training
    from slipway.reporting import summary

    arguments = training.arguments(parameters or [])
    result = target.of_stack(stack).run(pipeline, arguments, progress(as_json=as_json), follow)
    if as_json:
        print_json(summary.run_as_json(result, stack))
    else:
        summary.show_run(out, result, stack)
    raise typer.Exit(summary.exit_code(result))
