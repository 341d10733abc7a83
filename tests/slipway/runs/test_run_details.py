"""What KFP reports of runs, recorded from 2.17.0 on a real node, as steps."""

import json
from pathlib import Path

import pytest
import yaml

from slipway.runs import details, step_logs
from slipway.runs.run import StepEvent

HERE = Path(__file__).parent
SPEC = next(
    yaml.safe_load_all((HERE.parents[1] / "golden" / "training.yaml").read_text(encoding="utf-8"))
)


def recorded(name: str) -> dict:
    """A run as KFP told of it, but for what nobody reads."""
    return json.loads((HERE / "recorded" / f"{name}.json").read_text())


def test_steps_are_those_of_the_inner_graph_too() -> None:
    """A graph is no step."""
    assert set(details.step_names(SPEC)) == {
        *["ingest", "validate", "split", "train", "evaluate", "gate"],
        *["package", "register", "release"],
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "running",
            [StepEvent("ingest", "succeeded", 15.0), StepEvent("validate", "running")],
        ),
        ("failed", [StepEvent("ingest", "failed", 23.0)]),
        (
            "rejected",
            [
                StepEvent("ingest", "succeeded", 15.0),
                StepEvent("validate", "succeeded", 6.0),
                StepEvent("split", "succeeded", 4.0),
                StepEvent("train", "succeeded", 6.0),
                StepEvent("evaluate", "succeeded", 7.0),
                StepEvent("gate", "succeeded", 28.0),
            ],
        ),
    ],
)
def test_only_steps_that_began_are_told_in_their_order(name, expected) -> None:
    """What KFP leaves out after a failure, and its own nodes, are no steps."""
    assert details.events(SPEC, recorded(name)) == expected


@pytest.mark.parametrize(("name", "down"), [("rejected", True), ("failed", False)])
def test_a_run_whose_accepted_part_was_skipped_is_rejected(name, down) -> None:
    """One that failed before was not judged at all."""
    assert details.turned_down(SPEC, recorded(name)) is down


def test_a_run_of_which_nothing_is_known_has_no_steps() -> None:
    """Right after it was submitted."""
    assert details.events(SPEC, {"state": "PENDING"}) == []
    assert not details.turned_down(SPEC, {"state": "PENDING"})


@pytest.mark.parametrize(
    ("node", "step"),
    [
        ("training-q2drf.root.gate.executor", "gate"),
        ("training-q2drf.root.split.executor(1)", "split"),
        ("training-q2drf.root.condition-1.package.executor", "package"),
        ("training-q2drf.root.split-driver", None),
    ],
)
def test_a_pod_is_known_by_its_node(node, step) -> None:
    """Drivers are KFP's own."""
    pod = {"metadata": {"annotations": {"workflows.argoproj.io/node-name": node}}}
    assert step_logs.step_of(pod) == step


@pytest.mark.parametrize(
    ("log", "value"),
    [
        ('x\nI1 launcher] ExecutorOutput: {\n "parameterValues": {"Output": "3"}\n}\nI2 y', "3"),
        ('ExecutorOutput: {"artifacts": {}}', None),
        ("ExecutorOutput: {cut", None),
        ("nothing", None),
    ],
)
def test_what_a_step_returned_is_in_its_log(log, value) -> None:
    """As the launcher writes it; a log that is cut off says nothing."""
    assert step_logs.returned(log) == value
