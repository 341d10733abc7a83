"""The commands of `slipway tools`: one thin function each."""

# PLC0415: commands import what they need when they run. FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from typing import Annotated

import typer

from infra.home import Home
from slipway.commands import target
from slipway.commands.console import progress
from slipway.commands.options import StackName  # noqa: TC001 - Typer reads annotations at run time

app = typer.Typer(help="The programs that the platform runs.", no_args_is_help=True)


@app.command()
def install(
    stack: StackName = "local",
    for_tests: Annotated[
        bool, typer.Option("--for-tests", help="A control plane for tests/cluster instead.")
    ] = False,
) -> None:
    """Find, download or build what the stack needs."""
    from slipway import toolchain

    if not for_tests:
        target.of_stack(stack).bring_tools(progress())
        return
    work = progress()
    work.title("Tools for tests of clusters")
    tools = Home.of_environment().tools
    toolchain.ensure(toolchain.FOR_TESTS, tools_dir=tools, progress=work.tool)


@app.command()
def lock() -> None:
    """Pin the checksums that the tools' releases publish, in infra/tools.lock."""
    from slipway import toolchain

    toolchain.lock(progress=progress().tool)
