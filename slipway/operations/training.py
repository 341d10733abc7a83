"""Pipeline runs against a stack that is up: on this machine, or on the stack's cluster."""

from __future__ import annotations

import datetime as dt
import itertools
import sys
from typing import TYPE_CHECKING

from infra import environment
from infra.errors import ClusterError, SettingsError
from infra.files import private_folder
from infra.settings.target import Processes
from slipway import hints

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from infra.home import StackDir
    from infra.settings.tree import Settings
    from slipway.progress import Progress
    from slipway.runs.cluster_run import PipelinesOfStack
    from slipway.runs.run import RunResult, StepEvent
    from slipway.stack.running import Running


def arguments(texts: list[str]) -> dict[str, str]:
    """Pipeline arguments from `name=value` texts.

    Raises:
        SettingsError: a text has no name or no `=`, or a name comes twice.
    """
    pairs = [text.partition("=") for text in texts]
    for name, sign, value in pairs:
        if not (name and sign):
            raise SettingsError(f"--set {name}{sign}{value}: write it as name=value, as months=1-3")
    by_name = {name: value for name, _, value in pairs}
    if len(by_name) < len(pairs):
        raise SettingsError("--set gives a parameter twice: each is given once")
    return by_name


def run(
    pipeline: str,
    arguments: Mapping[str, str],
    stack: StackDir,
    env: Mapping[str, str],
    on_event: Callable[[StepEvent], None],
) -> RunResult:
    """Run a pipeline; its folder under the stack's `runs/` keeps logs and artifacts.

    `env` is what its steps find: `step_environment`.
    """
    from slipway.runs.run import run_pipeline  # noqa: PLC0415 - keeps --help quick

    folder = _new_folder(stack.runs, pipeline)
    return run_pipeline(pipeline, arguments, run_dir=folder, on_event=on_event, env=env)


def step_environment(running: Running, settings: Settings, stack: StackDir) -> dict[str, str]:
    """The stack's services, the steps' home folder, and what settings let through of the shell."""
    target = settings.target
    names = target.step_variables if isinstance(target, Processes) else ()
    own = {"HOME": str(private_folder(stack.home))}
    return environment.named(names) | own | running.step_environment(settings)


def follow(
    pipeline: str, run_id: str, pipelines: PipelinesOfStack, stack: StackDir, progress: Progress
) -> RunResult:
    """Follow a run on the stack's cluster; its folder keeps the steps' logs.

    An interrupt leaves it running, unless a person at the terminal says that it should end.

    Raises:
        SlipwayError: the run is not there, or the cluster went away.
    """
    progress.line(f"run {run_id} in namespace {pipelines.api.namespace}")
    folder = _new_folder(stack.runs, pipeline)
    try:
        return pipelines.follow(pipeline, run_id, folder, progress.event)
    except (KeyboardInterrupt, ClusterError) as cause:
        if isinstance(cause, KeyboardInterrupt) and _should_end():
            pipelines.api.terminate(run_id)
            if tracked := pipelines.tracked(pipelines.api.run(run_id)):
                tracked.killed("the run was terminated")
            progress.line(f"run {run_id} is ending")
        else:
            progress.line(
                f"run {run_id} goes on; to follow it again:"
                f" {hints.slipway(pipelines.stack, 'run', pipeline, '--follow', run_id)}"
            )
        raise


def _should_end() -> bool:
    if not sys.stdin.isatty():
        return False
    import typer  # noqa: PLC0415 - as above

    try:
        return typer.confirm("\nTerminate the run?", default=False)
    except (typer.Abort, KeyboardInterrupt):
        return False


def _new_folder(runs: Path, pipeline: str) -> Path:
    """A folder of a run's own, named by pipeline and time; runs of one moment get a number, too."""
    private_folder(runs)
    stamp = f"{dt.datetime.now().astimezone():%Y%m%d-%H%M%S}"
    numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    names = (f"{pipeline}-{stamp}{number}" for number in numbers)
    return next(folder for name in names if (folder := _create(runs / name)))


def _create(folder: Path) -> Path | None:
    """The folder, if it is this call that made it: two that look first would share one."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return None
    return folder
