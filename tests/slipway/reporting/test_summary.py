"""What `slipway up` ends with: the same facts for a person, a script and the exit code."""

import io
import json
from types import SimpleNamespace

import pytest
from rich.console import Console

from infra.settings.tree import Settings
from slipway.models.predict import Prediction
from slipway.models.served import Served, ServedSlot
from slipway.operations.target import Pods, Process, Release, ServiceState, Up
from slipway.reporting import summary
from slipway.runs.run import Failure, RunResult
from slipway.stack.running import Champion, Running

PROCESS = Process(7, 61, "")
UP = ServiceState("tracking", "up", "http://t", "1", 0, PROCESS)
DOWN = ServiceState("registry", "down", "http://r", "2", 3, Process(0, 0, "12:00:00 SIGKILL"))
UNTRAINED = ServiceState(
    *("serving", "not ready", "http://s", "3", 0, PROCESS, "no version"),
    Served(
        ready=False,
        trouble="no version",
        model="m",
        slots=(ServedSlot("champion", "", None),),
        error_share=None,
    ),
)
ON_CLUSTER = ServiceState("store", "down", "http://o", "4", 1, Pods(1, 2), "ImagePullBackOff")
CHAMPION = Champion("3", "sha256:abc", {"roc_auc": "0.75", "baseline_roc_auc": "0.5", "x": "y"})
PREDICTION = Prediction("m", "3", [{"a": 1}], {"p": [0.25]}, 1.5)
FAILED = RunResult("training", "failed", 1.0, failure=Failure("train", "cause", "run `slipway up`"))
REJECTED, SUCCEEDED = RunResult("training", "rejected", 1.0), RunResult("training", "succeeded", 1)


def of(services: list[ServiceState], release: Release | None) -> summary.Summary:
    target = SimpleNamespace(
        stack="staging",
        settings=Settings(),
        services=lambda _: services,
        next_steps=lambda _: [("slipway status", "each service")],
    )
    return summary.summary(target, Up(Running({}, {}), release))


def shown(found: summary.Summary) -> str:
    text = io.StringIO()
    summary.show(Console(file=text, width=200), found)
    return text.getvalue()


@pytest.fixture(autouse=True)
def predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model server that answers."""
    monkeypatch.setattr(summary.predict, "of_champion", lambda *_: PREDICTION)


@pytest.mark.parametrize(
    ("services", "run", "code"),
    [
        ([UP], None, 0),
        ([UP, UNTRAINED], None, 0),
        ([UP, DOWN], SUCCEEDED, 1),
        ([UP], SUCCEEDED, 0),
        ([UP], REJECTED, 3),
        ([UP], FAILED, 1),
    ],
)
def test_the_exit_code_is_that_of_services_and_of_the_first_run(services, run, code) -> None:
    """A service that is down counts before a run."""
    assert of(services, Release(None, run)).exit_code == code


def test_a_released_model_is_shown_with_its_metrics_and_a_prediction() -> None:
    """Beside the baseline that it was judged by."""
    found = of([UP], Release(CHAMPION, None))

    text = shown(found)
    assert "version 3  sha256:abc" in text
    assert "0.7500" in text
    assert "0.5000" in text
    assert "Prediction p 0.2500" in text
    data = json.loads(json.dumps(summary.plain(found.as_json())))
    assert (data["stack"], data["metrics"]) == ("staging", {"roc_auc": 0.75})
    assert (data["baseline"], data["prediction"]["version"]) == ({"roc_auc": 0.5}, "3")
    assert (data["champion"]["version"], data["first_run"]) == ("3", None)
    assert data["services"][0]["pid"] == PROCESS.pid


def test_a_first_run_that_failed_says_so_with_a_command_of_this_stack() -> None:
    """And that no model is released."""
    found = of([UP, UNTRAINED], Release(None, FAILED))

    text = shown(found)
    assert "failed at train: cause" in text
    assert "up --stack staging" in text
    assert "is released yet" in text
    assert "--stack staging" in found.as_json()["first_run"]["failure"].remedy


def test_a_stack_on_a_cluster_is_its_pods_and_no_word_on_a_model() -> None:
    """A pod has no process number and no beginning here."""
    found = of([ON_CLUSTER], None)

    [service] = found.as_json()
    assert (service["ready"], service["desired"], service["restarts"]) == (1, 2, 1)
    assert not {"pid", "seconds", "last_exit", "instance"} & service.keys()
    text = shown(found)
    assert "1/2" in text
    assert "store: ImagePullBackOff" in text
    assert "released" not in text
    assert found.exit_code == 1


def test_how_a_service_last_ended_stands_below_the_table() -> None:
    """With how often it was started again."""
    text = shown(of([UP, DOWN], None))

    assert "registry last ended at 12:00:00 SIGKILL" in text
    assert "1 min" in text
