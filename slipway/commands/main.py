"""The command line: one thin function a command.

Commands import what they need when they run, so that `--help` is quick.
"""

# PLC0415: see above. FBT: Typer's flags are booleans.
# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads annotations at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from infra.home import Home, stack_file
from slipway.commands import images, keys, models, options, secrets, serving
from slipway.commands.options import AsJson, StackName  # noqa: TC001 - Typer reads annotations at run time
from slipway.exits import Exit

if TYPE_CHECKING:
    from slipway.operations.cluster.status import ServicePods
    from slipway.runs.cluster_run import PipelinesOfStack

app = typer.Typer(
    help="An MLOps platform as code.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
tools_app = typer.Typer(help="The programs that the platform runs.", no_args_is_help=True)
app.add_typer(tools_app, name="tools")
app.add_typer(images.app, name="images")
app.add_typer(secrets.app, name="secrets")
app.add_typer(keys.app, name="keys")
app.add_typer(models.app, name="models")

_out = Console(soft_wrap=True)
_err = Console(stderr=True, soft_wrap=True)


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - as Typer calls it
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
            callback=_tell_version,
            is_eager=True,
            help="Say which version this is, and stop.",
        ),
    ] = False,
) -> None:
    """Options of the program itself."""


@app.command()
def up(
    stack: StackName = "local",
    train: Annotated[bool, typer.Option(help="Train a first model if none is released.")] = True,
    as_json: AsJson = False,
) -> None:
    """Stand the platform up, or make it what its settings say now."""
    from slipway.operations.processes import up as bring_up
    from slipway.progress import Progress
    from slipway.reporting import summary as report

    home = Home.of_environment()
    if _on_cluster(stack):
        _up_on_cluster(home, stack, as_json=as_json)
        return
    brought = bring_up.bring_up(home, stack, Progress(_err if as_json else _out), train=train)
    summary = report.summary(home, stack, brought)
    _print_json(summary.as_json()) if as_json else report.show(_out, summary)
    raise typer.Exit(summary.exit_code)


@app.command()
def down(
    stack: StackName = "local",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Destroy the platform: processes, ports, data, files. The tool cache stays."""
    from slipway.operations.processes import up as bring_up
    from slipway.progress import Progress

    if not yes:
        typer.confirm(f"Destroy stack {stack} with all its data and models?", abort=True)
    if chosen := _on_cluster(stack):
        from slipway.operations.cluster import up as cluster_stack

        cluster_stack.take_down(Home.of_environment(), stack, chosen, Progress(_out))
    else:
        bring_up.take_down(Home.of_environment(), stack, Progress(_out))
    _out.print(f"Stack {stack} is gone.")


@app.command()
def status(stack: StackName = "local", as_json: AsJson = False) -> None:
    """Each service and what is served. Exit code 0: all answer; 1: not all, or no model; 5: not up.

    It says what a load balancer is told: a model server without a model takes no requests.
    """
    from slipway.operations.cluster import status as cluster_status
    from slipway.operations.processes.status import all_up, states
    from slipway.reporting import tables
    from slipway.stack import renamed

    home = Home.of_environment()
    running = _running(home, stack)
    renamed.require_settled(home, stack)
    if running.cluster:
        pods = _show_pods(running, stack, as_json=as_json)
        raise typer.Exit(Exit.OK if cluster_status.all_up(pods) else Exit.FAILED)
    found = states(running, home.stack(stack))
    if as_json:
        _print_json([service.as_json() for service in found])
    else:
        tables.services(_out, found, stack)
    raise typer.Exit(Exit.OK if all_up(found) else Exit.FAILED)


class _RunCommand(TyperCommand):
    """Says in its help what pipelines there are, too, and what each can be given."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print it."""
        from slipway.reporting import tables
        from slipway.runs import pipeline_signatures

        super().format_help(ctx, formatter)
        tables.pipelines(_out, pipeline_signatures.known())


@app.command(cls=_RunCommand)
def run(
    pipeline: Annotated[
        str,
        typer.Argument(
            help="A file of pipelines/, without its ending.",
            autocompletion=options.complete_pipeline,
        ),
    ],
    tree: Annotated[
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
    from slipway.progress import Progress
    from slipway.reporting import summary as report
    from slipway.runs import pipeline_signatures

    home = Home.of_environment()
    arguments = training.arguments(tree or [])
    progress = Progress(_err if as_json else _out)
    if _on_cluster(stack):
        pipelines = _pipelines(home, stack)
        run_id = follow or pipelines.submit(pipeline, arguments)
        result = training.follow(pipeline, run_id, pipelines, home.stack(stack), progress)
    elif follow:
        raise typer.BadParameter(f"stack {stack} is not on a cluster: its runs end with it")
    else:
        pipeline_signatures.check(pipeline, arguments)
        result = training.run(
            pipeline, arguments, _running(home, stack), home.stack(stack), progress.event
        )
    if as_json:
        _print_json(report.run_as_json(result, stack))
    else:
        report.show_run(_out, result, stack)
    raise typer.Exit(report.exit_code(result))


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
    from slipway.reporting import summary as report
    from slipway.reporting import tables

    running = _running(Home.of_environment(), stack)
    made = report.predict(running, stack, file, explain=explain)
    _print_json(made) if as_json else tables.prediction(_out, made)


app.command()(serving.traffic)
app.command()(serving.release)
app.command()(serving.feedback)


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
    from slipway.operations.processes import logs as log_files

    if _on_cluster(stack):
        from slipway.operations.cluster import logs as cluster_logs

        running = _running(Home.of_environment(), stack)
        for line in cluster_logs.lines(running, service, lines, follow=follow):
            typer.echo(line)
        return
    path = log_files.log_file(Home.of_environment().stack(stack), service)
    for line in log_files.last_lines(path, lines):
        typer.echo(line)
    if follow:
        for line in log_files.follow(path):
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

    home = Home.of_environment()
    typer.echo(file.write(home.stack(stack), stack, _running(home, stack), minutes, output))


@app.command()
def doctor(stack: StackName = "local", as_json: AsJson = False) -> None:
    """What this machine has and lacks for a stack. Exit code 1 if something must be mended."""
    from slipway.doctor import checks as examination

    found = examination.examine(Home.of_environment(), stack)
    if as_json:
        _print_json([examination.as_json(diagnosis) for diagnosis in found])
    else:
        examination.show(_out, found)
    raise typer.Exit(Exit.OK if examination.healthy(found) else Exit.FAILED)


@app.command()
def policies(
    stack: StackName = "local",
    preview: Annotated[
        Path | None, typer.Option(help="What `pulumi preview --json` wrote, instead.")
    ] = None,
) -> None:
    """What of a cluster stack's objects breaks a rule. Exit code 0: nothing; 1: something."""
    from slipway.doctor import policies as policy_check
    from slipway.reporting import tables

    chosen = _settings(stack)
    found = (
        policy_check.of_preview(chosen, stack, preview)
        if preview
        else policy_check.of_settings(chosen, stack)
    )
    tables.violations(_out, found)
    raise typer.Exit(Exit.FAILED if found else Exit.OK)


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

    _settings(stack)
    found = renamed.take_along(Home.of_environment(), stack, former or stack)
    _out.print(
        f"Stack {found.name} of project {found.project} is stack {stack} of this project now:"
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
    from slipway.stack import client_environment, environment
    from slipway.stack import workspace as pulumi_stack

    home = Home.of_environment()
    environment.prepare(home)
    source = context.get_parameter_source("stack")
    is_named = source is not None and source.name != "DEFAULT"
    with suppress(ToolMissingError):  # who has no tools yet comes for the way to them
        if is_named or not pulumi_stack.is_any_selected(home):
            pulumi_stack.select(home, stack)
    for line in environment.shell_lines(home):
        typer.echo(line)
    for line in client_environment.shell_lines(home, stack, _settings(stack)):
        typer.echo(line)


@tools_app.command("install")
def install_tools(
    stack: StackName = "local",
    for_tests: Annotated[
        bool, typer.Option("--for-tests", help="A control plane for tests/cluster instead.")
    ] = False,
) -> None:
    """Find, download or build what the stack needs."""
    from slipway.operations.cluster import up as cluster_stack
    from slipway.operations.processes import up as bring_up
    from slipway.progress import Progress

    if for_tests:
        bring_up.bring_test_tools(Home.of_environment(), Progress(_out))
        return
    chosen = _settings(stack)
    bring = cluster_stack.bring_tools if _on_cluster(stack) else bring_up.bring_tools
    bring(Home.of_environment(), chosen, Progress(_out))


@tools_app.command("lock")
def lock_tools() -> None:
    """Pin the checksums that the tools' releases publish, in infra/tools.lock."""
    from slipway import toolchain
    from slipway.progress import Progress

    toolchain.lock(progress=Progress(_out).tool)


def _up_on_cluster(home: Home, stack: str, *, as_json: bool) -> None:
    from slipway.operations.cluster import up as cluster_stack
    from slipway.operations.processes.status import came_up
    from slipway.progress import Progress
    from slipway.reporting import tables

    progress = Progress(_err if as_json else _out)
    running = cluster_stack.bring_up(home, stack, _settings(stack), progress)
    pods = _show_pods(running, stack, as_json=as_json)
    if not as_json:
        tables.next_steps(_out, cluster_stack.next_steps(stack, running))
    raise typer.Exit(Exit.OK if came_up(pods) else Exit.FAILED)


def _show_pods(running: Any, stack: str, *, as_json: bool) -> list[ServicePods]:
    from slipway.operations.cluster import status as cluster_status
    from slipway.reporting import tables

    found = cluster_status.states(running)
    if as_json:
        _print_json([service.as_json() for service in found])
    else:
        tables.pods(_out, found, stack)
    return found


def _settings(stack: str) -> Any:
    from infra.settings import reading

    return reading.from_file(stack_file(stack))


def _on_cluster(stack: str) -> Any:
    """The settings of a stack on a cluster; None for one of processes."""
    chosen = _settings(stack)
    return chosen if chosen.target.kind != "processes" else None


def _running(home: Home, stack: str) -> Any:
    from slipway.stack import renamed
    from slipway.stack.running import of_stack

    _settings(stack)
    renamed.require_own(home, stack)
    return of_stack(home, stack)


def _pipelines(home: Home, stack: str) -> PipelinesOfStack:
    from slipway.runs.cluster_run import PipelinesOfStack
    from slipway.stack import workspace as pulumi_stack

    return PipelinesOfStack.of(pulumi_stack.outputs(home, stack), stack)


def _print_json(value: object) -> None:
    from slipway.reporting.summary import plain

    typer.echo(json.dumps(plain(value), indent=1))
