"""The command line: the applications of all subjects, and the options of the program itself."""

# PLC0415: commands import what they need when they run, so that `--help` is quick.
# FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from typing import Annotated

import typer

from slipway.commands import checks, images, keys, models, runs, secrets, serving, stack, tools

app = typer.Typer(
    help="An MLOps platform as code.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for commands in (stack.app, runs.app, serving.app, checks.app):
    app.add_typer(commands)
app.add_typer(tools.app, name="tools")
app.add_typer(images.app, name="images")
app.add_typer(secrets.app, name="secrets")
app.add_typer(keys.app, name="keys")
app.add_typer(models.app, name="models")


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as Typer calls it
    if wanted:
        from slipway import version

        typer.echo(version.line())
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Say which version this is, and stop.",
        ),
    ] = False,
) -> None:
    """Options of the program itself."""
