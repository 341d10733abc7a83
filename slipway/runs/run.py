"""Runs a pipeline on this machine and says live how its steps fare.

Owns the result's form and the runner process's life. The runner is `slipway.runs.local_runner`, a
process of its own: kfp.local's settings, its writing to stdout and its memory stay out of the
command line's.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from components.tracking import Tracking
from contracts import variables
from contracts.verdicts import REJECTED
from infra import environment
from infra.files import private_folder
from slipway.exits import full_disk
from slipway.runs.tracking import TrackedRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RUNNER_LOG: Final = "runner.log"
GRACE_SECONDS: Final = 5


@dataclass(frozen=True)
class StepEvent:
    """A step has started or ended; `seconds` is how long it took, 0 at the start."""

    step: str
    status: Literal["running", "succeeded", "failed"]
    seconds: float = 0.0


@dataclass(frozen=True)
class Failure:
    """Why a run failed: the step (the pipeline's name before the first), the cause, what to do."""

    step: str
    cause: str
    remedy: str


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        status: `rejected` means that every step did its work and one returned "rejected".
        steps: the steps that ran, in order, as their last events.
        outputs: what each step returned, by step, e.g. `outputs["package"]` is the digest.
        artifacts: the file of each artifact, by `step.artifact`, e.g. `gate.decision`.
        page: the run's page in MLflow; nothing if it has none, or none for this machine.
    """

    pipeline: str
    status: Literal["succeeded", "rejected", "failed"]
    seconds: float
    steps: tuple[StepEvent, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    failure: Failure | None = None
    page: str = ""


def run_pipeline(
    name: str,
    arguments: Mapping[str, str],
    *,
    run_dir: Path,
    on_event: Callable[[StepEvent], None],
    env: Mapping[str, str] | None = None,
) -> RunResult:
    """Run the pipeline `name` and return how it ended; never raises for what a user did.

    `arguments` are texts, read by the type the pipeline declares. `env` is added to what is
    composed for steps, of which nothing is a person's; without a HOME in it, theirs goes with the
    run. Under `run_dir` come `artifacts/`, one log a step in `log/`, and `runner.log`. An interrupt
    ends the steps too. A run that has begun in MLflow ends there in any case.
    """
    (run_dir / "log").mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    steps: dict[str, StepEvent] = {}
    tracked: TrackedRun | None = None
    failure, page = None, ""
    variables = environment.of_steps(run_dir.resolve() / "tmp") | dict(env or {})
    try:
        for message in _messages(name, arguments, run_dir, variables):
            if message["kind"] == "failure":
                failure = Failure(message["step"], message["cause"], message["remedy"])
            elif message["kind"] == "tracked":
                tracked, page = _tracked(message["run"], variables), message["page"]
            else:
                event = StepEvent(message["step"], message["status"], message["seconds"])
                steps[event.step] = event
                on_event(event)
    except KeyboardInterrupt:
        if tracked:
            tracked.killed("the run was interrupted")
        raise
    if tracked and failure:
        tracked.failed(failure, run_dir / "log" / f"{failure.step}.log")
    outputs, artifacts = _products(run_dir)
    rejected = any(value == REJECTED for value in outputs.values())
    return RunResult(
        pipeline=name,
        status="failed" if failure else REJECTED if rejected else "succeeded",
        seconds=time.monotonic() - started,
        steps=tuple(steps.values()),
        outputs=outputs,
        artifacts=artifacts,
        failure=failure,
        page=page,
    )


def _tracked(run: str, env: Mapping[str, str]) -> TrackedRun:
    return TrackedRun(run, lambda: Tracking(env[variables.TRACKING]))


def _messages(
    name: str, arguments: Mapping[str, str], run_dir: Path, env: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield what the runner reports, one JSON line each; add a failure if it dies silently."""
    argv = [sys.executable, "-P", "-m", "slipway.runs.local_runner", name, str(run_dir.resolve())]
    with (
        _temporary(Path(env["TMPDIR"])),
        (run_dir / RUNNER_LOG).open("wb") as log,
        subprocess.Popen(
            [*argv, json.dumps(dict(arguments))],
            stdin=subprocess.PIPE,  # closed by our end, however it comes: the runner then ends
            stdout=subprocess.PIPE,
            stderr=log,
            env=env,
            start_new_session=True,
            text=True,
        ) as process,
        _ended(process),
    ):
        assert process.stdout is not None  # noqa: S101 -- tells the type checker what PIPE means
        yield from (json.loads(line) for line in process.stdout)
        if process.wait() != 0:
            cause = f"the pipeline runner ended with exit status {process.returncode}"
            remedy = full_disk(run_dir) or f"read {run_dir / RUNNER_LOG}"
            yield {"kind": "failure", "step": name, "cause": cause, "remedy": remedy}


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[None]:
    """The run's own folder for what its steps leave lying: it goes with the run."""
    private_folder(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """On the way out, end the runner and its steps if they still run."""
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _products(run_dir: Path) -> tuple[dict[str, Any], dict[str, Path]]:
    """Read what each finished step returned and wrote, from kfp's own record of it."""
    outputs: dict[str, Any] = {}
    artifacts: dict[str, Path] = {}
    for path in sorted((run_dir / "artifacts").glob("*/*/executor_output.json")):
        step, record = path.parent.name, json.loads(path.read_text() or "{}")
        values = record.get("parameterValues", {})
        if "Output" in values:
            outputs[step] = values["Output"]
        for name, listed in record.get("artifacts", {}).items():
            artifacts[f"{step}.{name}"] = Path(listed["artifacts"][0]["uri"])
    return outputs, artifacts
