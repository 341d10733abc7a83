"""Runs on a cluster: what is refused before anybody is asked, and what is told."""

import pytest

from infra.errors import ClusterError, SettingsError
from infra.home import Home, StackDir
from infra.settings.tree import Settings
from slipway import hints
from slipway.exits import NotUpError
from slipway.operations import training
from slipway.operations.processes.target import ProcessTarget
from slipway.runs import cluster_run
from slipway.runs.cluster_run import PipelinesOfStack, _failure, _looks, _news
from slipway.runs.run import Failure, StepEvent

RUNNING, DONE = StepEvent("train", "running"), StepEvent("train", "succeeded", 2.0)
PODS = "kubectl --context far -n mlops get pods -l pipeline/runid=r"
RUN = {"run_id": "r", "state": "FAILED"}
KUBECONFIG = """
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: home, context: {cluster: c, user: u}}]
"""


@pytest.fixture
def pipelines() -> PipelinesOfStack:
    """A stack whose cluster is away."""
    cluster = {"kubeconfig": KUBECONFIG, "context": "home", "namespace": "mlops"}
    return PipelinesOfStack.of({"cluster": cluster, "pipelines": {"training": "abc"}}, "far")


def test_a_stack_that_is_not_up_says_so() -> None:
    """With the command that brings it up."""
    with pytest.raises(NotUpError, match="stack far is not up: run `slipway up`"):
        PipelinesOfStack.of({}, "far")


def test_a_context_that_is_not_there_says_so() -> None:
    """Nothing is asked."""
    cluster = {"kubeconfig": KUBECONFIG, "context": "work", "namespace": "mlops"}
    with pytest.raises(ClusterError, match="has no context 'work'; it has home"):
        PipelinesOfStack.of({"cluster": cluster}, "far")


def test_an_unknown_pipeline_is_refused_before_anybody_is_asked(pipelines) -> None:
    """Those that `up` uploaded are named."""
    with pytest.raises(SettingsError, match="no pipeline trainng on stack far: training"):
        pipelines.submit("trainng", {})


def test_kfp_that_is_not_up_is_one_line(pipelines) -> None:
    """What it answers, where to look, and that nothing happened."""
    with pytest.raises(
        Exception,
        match=r"Kubeflow Pipelines of stack far does not answer \(.*refused.*\): see"
        r" `kubectl .*--context \S+ -n mlops get pods`; nothing was submitted",
    ):
        pipelines.submit("training", {})


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (None, RUNNING, [RUNNING]),
        (RUNNING, RUNNING, []),
        (RUNNING, DONE, [DONE]),
        (None, DONE, [RUNNING, DONE]),
        (DONE, DONE, []),
    ],
)
def test_each_beginning_and_end_is_told_once(before, now, told) -> None:
    """Even if both happened between two looks."""
    assert _news(before, now) == told


@pytest.mark.parametrize(
    ("unsettled", "states", "looks"),
    [
        ([], ["SUCCEEDED"], 1),
        ([], ["PENDING", "RUNNING", "FAILED"], 3),
        ([True, True], ["RUNNING", "FAILED", "FAILED", "FAILED", "FAILED"], 4),
        ([True] * 99, ["FAILED"] * 99, 11),
    ],
)
def test_a_run_is_looked_at_until_its_steps_have_ended_too(
    unsettled, states, looks, monkeypatch
) -> None:
    """KFP tells of the run first; a step of which it never tells is not waited for."""
    monkeypatch.setattr(cluster_run, "_POLL_SECONDS", 0)
    left, still = iter(states), iter(unsettled)

    seen = list(_looks(lambda: {"state": next(left)}, lambda: next(still, False)))

    assert [run["state"] for run in seen] == states[:looks]


def test_a_failure_is_the_failed_step_s_last_word(tmp_path) -> None:
    """As on this machine."""
    log = tmp_path / "train.log"
    log.write_text("Traceback (most recent call last):\n  File x\nValueError: two\nI1 launcher\n")
    steps = (StepEvent("split", "succeeded"), StepEvent("train", "failed"))

    found = _failure("training", RUN, steps, {"train": log}, PODS)

    assert found == Failure("train", "ValueError: two", f"read {log}")


@pytest.mark.parametrize(
    ("steps", "step"),
    [((StepEvent("train", "failed"),), "train"), ((), "training")],
)
def test_a_failure_without_a_log_says_where_the_pods_are(steps, step) -> None:
    """A run that ended before its first step is the pipeline's own failure."""
    assert _failure("training", RUN, steps, {}, PODS) == Failure(
        step, "the run is failed", f"see its pods: `{PODS}`"
    )


def test_a_terminated_run_failed_for_no_step_s_fault(tmp_path) -> None:
    """KFP calls it failed, and a step that was ended looks as if it had been killed."""
    log = tmp_path / "train.log"
    log.write_text("working\n")
    run = RUN | {"state_history": [{"state": "RUNNING"}, {"state": "CANCELING"}]}

    assert _failure(
        "training", run, (StepEvent("train", "failed"),), {"train": log}, PODS
    ) == Failure("train", "the run was terminated", "run it again")


class Interrupted:
    """Pipelines of a stack whose run is interrupted while it is followed."""

    stack = "far"

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause

    class api:  # noqa: N801 - stands for an attribute
        """Is told to end no run."""

        namespace = "mlops"

    def follow(self, *_: object) -> None:
        """Be interrupted."""
        raise self.cause


class Lines:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.line, self.event = self.said.append, print


@pytest.mark.parametrize("cause", [KeyboardInterrupt(), ClusterError("away")])
def test_what_ends_the_following_leaves_the_run(cause, tmp_path, monkeypatch) -> None:
    """Where nobody can be asked, an interrupt says how to follow it again; so does a lost way."""
    monkeypatch.setattr(training.sys.stdin, "isatty", lambda: False, raising=False)
    progress = Lines()

    with pytest.raises(type(cause)):
        training.follow("training", "r1", Interrupted(cause), StackDir(tmp_path), progress)

    assert progress.said[-1] == (
        "run r1 goes on; to follow it again: "
        + hints.slipway("far", "run", "training", "--follow", "r1")
    )


def test_a_run_of_processes_cannot_be_taken_up_again(tmp_path) -> None:
    """It ended with its command; usage, exit code 2."""
    local = ProcessTarget(Home(tmp_path, tmp_path), "local", Settings())

    with pytest.raises(SettingsError, match=r"^--follow r1: stack local is not on a cluster"):
        local.run("training", {}, Lines(), "r1")
