"""What Kubeflow Pipelines reports of a run, as the steps that a person knows. Pure.

KFP reports every node of the workflow: for a step `ingest` its `ingest-driver`, `ingest` itself
and what is inside of it, and nodes for each graph. Only the first two matter here.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from contracts.verdicts import ACCEPTED
from slipway.runs.run import StepEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENDED: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"})
_DRIVER: Final = "-driver"
_FAILED: Final = frozenset({"FAILED", "CANCELED"})
_Task = dict[str, Any]


def step_names(spec: Mapping[str, Any]) -> list[str]:
    """The steps of a compiled pipeline, those of its inner graphs, too."""
    return [name for name, task in _tasks(spec, spec["root"]) if not _graph(spec, task)]


def events(spec: Mapping[str, Any], run: Mapping[str, Any]) -> list[StepEvent]:
    """The last event of each step that has begun, in the order in which they began."""
    tasks = {
        task["display_name"]: task
        for task in run.get("run_details", {}).get("task_details", [])
        if "display_name" in task and "state" in task
    }
    begun_steps = [
        (_time(begun["start_time"]), _event(name, begun, tasks.get(name)))
        for name in step_names(spec)
        if (begun := tasks.get(f"{name}{_DRIVER}"))
    ]
    return [event for _, event in sorted(begun_steps, key=lambda begun_step: begun_step[0])]


def turned_down(spec: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    """Whether the graph of what is accepted was left out, since nothing was."""
    names = {name for name, task in _tasks(spec, spec["root"]) if _title(task) == ACCEPTED}
    return any(
        task.get("display_name") in names and task.get("state") == "SKIPPED"
        for task in run.get("run_details", {}).get("task_details", [])
    )


def _event(name: str, driver: _Task, step: _Task | None) -> StepEvent:
    begun = _time(driver["start_time"])
    last = step if step and step["state"] in ENDED else driver
    failed = last["state"] in _FAILED
    if last is driver and not failed:
        return StepEvent(name, "running")
    seconds = (_time(last["end_time"]) - begun).total_seconds()
    return StepEvent(name, "failed" if failed else "succeeded", max(seconds, 0.0))


def _tasks(spec: Mapping[str, Any], graph: Mapping[str, Any]) -> Iterator[tuple[str, _Task]]:
    for name, task in graph["dag"]["tasks"].items():
        yield name, task
        if inner := _graph(spec, task):
            yield from _tasks(spec, inner)


def _graph(spec: Mapping[str, Any], task: _Task) -> Mapping[str, Any] | None:
    """The graph that a task stands for; None for a step."""
    component: Mapping[str, Any] = spec["components"][task["componentRef"]["name"]]
    return component if "dag" in component else None


def _title(task: _Task) -> str:
    return str(task.get("taskInfo", {}).get("name", ""))


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
