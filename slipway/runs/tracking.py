"""A pipeline run in MLflow, from the side of who starts it.

Owns how a run begins there, and how it ends if it does not finish; what it measured is written by
its steps. A run whose pipeline went away without a word is ended by the next one that begins.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psutil

from components.tracking import FAILED, FINISHED, KILLED, Tracking
from contracts.mlflow_api import NOTE
from slipway.version import git
from usecases.contract import load
from usecases.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from components.tracking import Run
    from slipway.runs.run import Failure

PARAMETER: Final = "mlflow_run"
"""The parameter by which a pipeline is told of its run."""
HOST, PROCESS, PIPELINE_RUN = "slipway.host", "slipway.process", "pipeline_run"
GONE: Final = "the process that ran the pipeline was ended from outside"
_SECONDS: Final = 2.0
"""By how much a process' time of birth may change as the system's clock is set."""
_OF_STATE: Final = {"SUCCEEDED": FINISHED, "FAILED": FAILED, "CANCELED": KILLED}
"""What MLflow calls the ends of a run that Kubeflow Pipelines knows."""


@dataclass(frozen=True)
class TrackedRun:
    """A run that has begun in MLflow; `connect` makes a connection to be closed."""

    run_id: str
    connect: Callable[[], Tracking]

    def failed(self, failure: Failure, log: Path | None = None) -> None:
        """End it as failed, with the step, the cause, and the step's log if there is one."""
        note = f"**failed** at `{failure.step}`: {failure.cause}\n\n{failure.remedy}"
        tags = {"failed_step": failure.step, "cause": failure.cause, NOTE: note}
        files = {f"log/{log.name}": log.read_bytes()} if log and log.exists() else {}
        self._end(FAILED, tags, files)

    def is_pipeline_run(self, run_id: str) -> None:
        """Note which run of Kubeflow Pipelines it is."""
        with contextlib.suppress(StepError), self.connect() as tracking:
            tracking.log(self.run_id, tags={PIPELINE_RUN: run_id})

    def killed(self, cause: str) -> None:
        """End it as killed."""
        self._end(KILLED, {"cause": cause, NOTE: f"**killed**: {cause}"})

    def _end(
        self, status: str, tags: Mapping[str, str], files: Mapping[str, bytes] | None = None
    ) -> None:
        """A server that is away is often what failed: there is nobody to tell then."""
        with contextlib.suppress(StepError), self.connect() as tracking:
            tracking.end_run(self.run_id, status)
            tracking.log(self.run_id, tags=tags)
            tracking.upload(self.run_id, files or {})


def begin(
    tracking: Tracking,
    pipeline: str,
    name: str,
    parameters: Mapping[str, Any],
    state_of: Callable[[str], str] | None = None,
) -> str:
    """Start the run of a pipeline that is about to start, and return its id.

    Runs of the same experiment whose pipeline is gone are ended first. `state_of` tells the state
    of a run of Kubeflow Pipelines by its id; without it, the pipeline runs in this process.

    Raises:
        StepError: MLflow does not answer, or refuses.
    """
    experiment = _experiment(pipeline, parameters)
    for run, status, cause in _ended(tracking.unfinished(experiment), state_of):
        tracking.end_run(run, status)
        tracking.log(run, tags={"cause": cause} if cause else {})
    own = {} if state_of else {HOST: socket.gethostname(), PROCESS: _identity(psutil.Process())}
    run = tracking.start_run(experiment, name, provenance(pipeline) | own)
    given = {key: value for key, value in parameters.items() if value != "" and key != PARAMETER}
    tracking.log(run, params=given)
    return run


def provenance(pipeline: str) -> dict[str, str]:
    """Who runs what, by the names that MLflow has for it; of git, what there is."""
    commit = git("rev-parse", "HEAD")
    of_git = {
        "mlflow.source.git.commit": commit,
        "mlflow.source.git.branch": git("branch", "--show-current"),
        "mlflow.source.git.dirty": str(bool(git("status", "--porcelain"))).lower(),
    }
    return {
        "mlflow.user": _user(),
        "mlflow.source.name": f"pipelines/{pipeline}.py",
        "mlflow.source.type": "LOCAL",
        **({name: value for name, value in of_git.items() if value} if commit else {}),
    }


def _ended(
    runs: list[Run], state_of: Callable[[str], str] | None
) -> Iterator[tuple[str, str, str]]:
    """Those whose pipeline does not run any more: id, what they end as, and why."""
    for run in runs:
        process, pipeline_run = run.tags.get(PROCESS), run.tags.get(PIPELINE_RUN)
        if process:
            if run.tags.get(HOST) == socket.gethostname() and not _lives(process):
                yield run.run_id, KILLED, GONE
        elif pipeline_run and state_of and (status := _OF_STATE.get(state_of(pipeline_run))):
            cause = "" if status == FINISHED else f"the pipeline run {pipeline_run} has ended"
            yield run.run_id, status, cause


def _experiment(pipeline: str, parameters: Mapping[str, Any]) -> str:
    """The model's name; the pipeline's where no use case says it."""
    try:
        return load(str(parameters.get("usecase", ""))).model
    except StepError:
        return pipeline


def _identity(process: psutil.Process) -> str:
    """A process as no later one of the same number is called."""
    return f"{process.pid}@{process.create_time():.2f}"


def _lives(identity: str) -> bool:
    pid, _, born = identity.partition("@")
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(born)) < _SECONDS
    except (psutil.NoSuchProcess, ValueError):
        return False


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
