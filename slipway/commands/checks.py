"""The commands that judge what is there, and change nothing."""

# PLC0415: commands import what they need when they run. FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads annotations at run time
from typing import Annotated

import typer

from infra.home import Home
from slipway.commands import target
from slipway.commands.console import out, print_json
from slipway.commands.options import AsJson, StackName  # noqa: TC001 - as above
from slipway.exits import Exit

app = typer.Typer()


@app.command()
def doctor(stack: StackName = "local", as_json: AsJson = False) -> None:
    """What this machine has and lacks for a stack. Exit code 1 if something must be mended."""
    from slipway.doctor import checks

    findings = checks.examine(Home.of_environment(), stack)
    if as_json:
        print_json([checks.as_json(finding) for finding in findings])
    else:
        checks.show(out, findings)
    raise typer.Exit(Exit.OK if checks.healthy(findings) else Exit.FAILED)


@app.command()
def policies(
    stack: StackName = "local",
    preview: Annotated[
        Path | None, typer.Option(help="What `pulumi preview --json` wrote, instead.")
    ] = None,
) -> None:
    """What of a cluster stack's objects breaks a rule. Exit code 0: nothing; 1: something."""
    from slipway.doctor import policies
    from slipway.reporting import tables

    settings = target.of_stack(stack).settings
    violations = (
        policies.of_preview(settings, stack, preview)
        if preview
        else policies.of_settings(settings, stack)
    )
    tables.violations(out, violations)
    raise typer.Exit(Exit.FAILED if violations else Exit.OK)
