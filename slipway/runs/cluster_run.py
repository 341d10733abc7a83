"""Pipeline runs on a cluster: submits to Kubeflow Pipelines, and follows a run as local ones are.

What runs is the version that `up` uploaded, not what lies in `pipelines/` now.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from components.tracking import Tracking
from infra.errors import SettingsError, SlipwayError
from infra.files import private_folder
from infra.kubeflow.client import KubeflowPipelines, Work
from infra.kubeflow.parameters import ParameterError, declared, defaults, typed
from slipway.exits import NotUpError
from slipway.runs import details, step_logs
from slipway.runs import tracking as run_tracking
from slipway.runs.run import Failure, RunResult, StepEvent
from slipway.runs.step_failure import diagnose
from slipway.runs.tracking import TrackedRun
from slipway.stack.running import Running
from usecases.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from infra.kubeflow.client import Version

_POLL_SECONDS: Final = 1.0
_LOOKS_AFTER: Final = 10


@dataclass(frozen=True)
class PipelinesOfStack:
    """Kubeflow Pipelines of a stack, and the versions that `up` uploaded, by pipeline.

    `tracking` connects to the stack's MLflow, where it has one.
    """

    stack: str
    api: KubeflowPipelines
    versions: Mapping[str, str]
    tracking: Callable[[], Tracking] | None = None

    @classmethod
    def of(cls, outputs: Mapping[str, Any], stack: str) -> PipelinesOfStack:
        """What a stack's outputs lead to; nothing is asked yet.

        Raises:
            NotUpError: there are none.
            ClusterError: the kubeconfig leads nowhere.
        """
        cluster = outputs.get("cluster")
        if not cluster:
            raise NotUpError(f"stack {stack} is not up: run `slipway up`")
        api = KubeflowPipelines.of(
            cluster.get("kubeconfig"), cluster["context"], cluster["namespace"]
        )
        return cls(stack, api, outputs.get("pipelines", {}), _tracking(outputs, stack))

    def version(self, pipeline: str) -> Version:
        """The version that runs.

        Raises:
            SettingsError: there is no such pipeline.
            SlipwayError: Kubeflow Pipelines is not up, or has lost the version.
        """
        if pipeline not in self.versions:
            known = ", ".join(sorted(self.versions)) or "none"
            raise SettingsError(f"there is no pipeline {pipeline} on stack {self.stack}: {known}")
        if error := self.api.health_error():
            raise SlipwayError(
                f"Kubeflow Pipelines of stack {self.stack} does not answer ({error}): see"
                f" `{self.api.kubectl('get', 'pods')}`; nothing was submitted"
            )
        identifier = self.api.pipeline(pipeline)
        version = identifier and self.api.version(identifier, self.versions[pipeline])
        if not version:
            raise SlipwayError(
                f"Kubeflow Pipelines has no version {self.versions[pipeline]} of {pipeline}:"
                f" run `pulumi up --refresh`"
            )
        return version

    def submit(self, pipeline: str, texts: Mapping[str, str]) -> str:
        """Start a run and return its id.

        Raises:
            SettingsError: there is no such pipeline or parameter, or a value is of another type;
                nothing was submitted.
            SlipwayError: as `version`, or KFP refuses.
        """
        version = self.version(pipeline)
        spec = self.api.spec(version)
        try:
            parameters = typed(declared(spec), texts)
        except ParameterError as refused:
            raise SettingsError(f"{pipeline}: {refused}") from None
        name = f"{pipeline} {time.strftime('%Y-%m-%d %H:%M:%S')} {secrets.token_hex(2)}"
        experiment = self.api.make_experiment(pipeline)
        tracked = self._begin(pipeline, name, {**defaults(spec), **parameters})
        if tracked is None:
            return self.api.create_run(Work(name, experiment, version, parameters))
        parameters[run_tracking.PARAMETER] = tracked.run_id
        try:
            run_id = self.api.create_run(Work(name, experiment, version, parameters))
        except SlipwayError as refused:
            tracked.failed(Failure(pipeline, str(refused), "nothing was submitted: run it again"))
            raise
        tracked.is_pipeline_run(run_id)
        return run_id

    def _begin(self, pipeline: str, name: str, parameters: Mapping[str, Any]) -> TrackedRun | None:
        """Begin the run in MLflow; None where the pipeline's first step has to, from inside."""
        if self.tracking is None or run_tracking.PARAMETER not in parameters:
            return None
        try:
            with self.tracking() as tracking:
                run = run_tracking.begin(tracking, pipeline, name, parameters, self._state)
        except StepError:
            return None
        return TrackedRun(run, self.tracking)

    def _state(self, run_id: str) -> str:
        """The state of a run; nothing if it is not known."""
        try:
            return str(self.api.run(run_id)["state"])
        except SlipwayError:
            return ""

    def tracked(self, run: Mapping[str, Any]) -> TrackedRun | None:
        """The MLflow run of a pipeline run, as the API tells of it; None if it has none."""
        tracked_run = (
            run.get("runtime_config", {}).get("parameters", {}).get(run_tracking.PARAMETER)
        )
        return TrackedRun(tracked_run, self.tracking) if tracked_run and self.tracking else None

    def follow(
        self, pipeline: str, run_id: str, run_dir: Path, on_event: Callable[[StepEvent], None]
    ) -> RunResult:
        """Tell of a run's steps until it has ended; their logs come into `run_dir/log`."""
        spec = self.api.spec(self.version(pipeline))
        started = time.monotonic()
        events: dict[str, StepEvent] = {}
        for run in _looks(lambda: self.api.run(run_id), lambda: _any_runs(events)):
            for event in details.events(spec, run):
                for news in _news(events.get(event.step), event):
                    on_event(news)
                events[event.step] = event
        logs = _kept(step_logs.read(self.api.connection, self.api.namespace, run_id), run_dir)
        ended = _result(pipeline, run, tuple(events.values()), logs, self._pods(run_id))
        if (tracked := self.tracked(run)) and (failure := ended.failure):
            tracked.failed(failure, logs.get(failure.step))
        rejected = ended.status == "succeeded" and details.turned_down(spec, run)
        return replace(
            ended,
            status="rejected" if rejected else ended.status,
            seconds=time.monotonic() - started,
        )

    def _pods(self, run_id: str) -> str:
        return self.api.kubectl("get", "pods", "-l", f"pipeline/runid={run_id}")


def _tracking(outputs: Mapping[str, Any], stack: str) -> Callable[[], Tracking] | None:
    if "tracking" not in outputs.get("services", {}):
        return None
    running = Running.of(outputs, stack)
    return partial(_connect, running)


def _connect(running: Running) -> Tracking:
    return Tracking(running.url("tracking"), running.client("tracking"))


def _looks(
    look: Callable[[], dict[str, Any]], unsettled: Callable[[], bool]
) -> Iterator[dict[str, Any]]:
    """Look again until the run has ended, and for a while until its steps have, too.

    KFP writes a run's state first and those of its steps after it.
    """
    yield (run := look())
    after = 0
    while run["state"] not in details.ENDED or (unsettled() and after < _LOOKS_AFTER):
        time.sleep(_POLL_SECONDS)
        after += run["state"] in details.ENDED
        yield (run := look())


def _any_runs(events: Mapping[str, StepEvent]) -> bool:
    return any(event.status == "running" for event in events.values())


def _news(before: StepEvent | None, now: StepEvent) -> list[StepEvent]:
    """What to tell of a step: that it began, before that it ended."""
    begun = [] if before else [StepEvent(now.step, "running")]
    ended = now.status != "running" and (before is None or before.status != now.status)
    return [*begun, *([now] if ended else [])]


def _kept(logs: Mapping[str, str], run_dir: Path) -> dict[str, Path]:
    folder = private_folder(run_dir / "log")
    for step, text in logs.items():
        (folder / f"{step}.log").write_text(text)
    return {step: folder / f"{step}.log" for step in logs}


def _result(
    pipeline: str,
    run: Mapping[str, Any],
    steps: tuple[StepEvent, ...],
    logs: Mapping[str, Path],
    pods: str,
) -> RunResult:
    values = {step: step_logs.returned(path.read_text()) for step, path in logs.items()}
    succeeded = run["state"] == "SUCCEEDED"
    return RunResult(
        pipeline=pipeline,
        status="succeeded" if succeeded else "failed",
        seconds=0.0,
        steps=steps,
        outputs={step: value for step, value in values.items() if value is not None},
        artifacts={f"{step}.log": path for step, path in logs.items()},
        failure=None if succeeded else _failure(pipeline, run, steps, logs, pods),
    )


def _failure(
    pipeline: str,
    run: Mapping[str, Any],
    steps: tuple[StepEvent, ...],
    logs: Mapping[str, Path],
    pods: str,
) -> Failure:
    """Which step failed and why, from its log, or else from what KFP says of the run.

    `pods` is the command that lists the run's pods.
    """
    failed = [event.step for event in steps if event.status == "failed"]
    if any(change["state"] == "CANCELING" for change in run.get("state_history", [])):
        return Failure(failed[0] if failed else pipeline, "the run was terminated", "run it again")
    for step in failed:
        if step in logs and logs[step].read_text():
            return Failure(step, *diagnose(logs[step]))
    message = run.get("error", {}).get("message") or f"the run is {run['state'].lower()}"
    where = failed[0] if failed else pipeline
    return Failure(where, " ".join(message.split()), f"see its pods: `{pods}`")
