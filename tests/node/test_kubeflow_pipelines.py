"""Pipelines as code on a real Kubeflow Pipelines.

`SLIPWAY_TEST_KUBECONFIG` names the cluster, by its current context; `SLIPWAY_TEST_NAMESPACE` the
namespace that KFP is in (slipway), `SLIPWAY_TEST_IMAGE` the image that steps run there.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from infra.errors import SettingsError
from infra.kubeflow import upload
from infra.kubeflow.client import KubeflowError, KubeflowPipelines, Work
from infra.kubeflow.compiled import Compiled, compile_all
from slipway.runs.cluster_run import PipelinesOfStack
from slipway.runs.run import Failure, run_pipeline

pytestmark = [pytest.mark.node]
IMAGE = os.environ.get("SLIPWAY_TEST_IMAGE", "slipway/slipway:0.1.0")
ENDED = {"SUCCEEDED", "FAILED", "CANCELED"}


@pytest.fixture(scope="module")
def kubeflow() -> KubeflowPipelines:
    """KFP of the cluster that is named."""
    kubeconfig = os.environ.get("SLIPWAY_TEST_KUBECONFIG")
    if not kubeconfig:
        pytest.skip("SLIPWAY_TEST_KUBECONFIG names no cluster with Kubeflow Pipelines")
    context = yaml.safe_load(Path(kubeconfig).read_text())["current-context"]
    namespace = os.environ.get("SLIPWAY_TEST_NAMESPACE", "slipway")
    found = KubeflowPipelines.of(kubeconfig, context, namespace)
    if said := found.health_error():
        pytest.skip(f"no Kubeflow Pipelines answers in namespace {namespace}: {said}")
    return found


@pytest.fixture
def props(kubeflow) -> Iterator[dict]:
    """A pipeline of its own: what Pulumi would give its provider; removed at the end."""
    given = {
        "kubeconfig": os.environ["SLIPWAY_TEST_KUBECONFIG"],
        "context": kubeflow.connection.context,
        "namespace": kubeflow.namespace,
        "pipeline": f"test-{uuid4().hex[:8]}",
        "text": compile_all()["training"].on(IMAGE).text,
    }
    yield given
    upload.remove_pipeline(given)


def of_stack(kubeflow, props) -> PipelinesOfStack:
    """The uploaded pipeline as the command line finds it."""
    version = upload.pipeline(props)["version"]
    return PipelinesOfStack("test", kubeflow, {props["pipeline"]: version})


def test_an_upload_may_be_repeated(kubeflow, props) -> None:
    """A second `up` uploads nothing, and finds what is there."""
    first, second = upload.pipeline(props), upload.pipeline(props)

    pipeline = kubeflow.pipeline(props["pipeline"])
    assert first == second
    assert kubeflow.version(pipeline, first["version"]) is not None
    assert upload.has_version(first)


def test_another_text_is_one_more_version(kubeflow, props) -> None:
    """The old one stays; both go with the pipeline."""
    old = upload.pipeline(props)
    new = upload.pipeline(props | {"text": props["text"].replace(IMAGE, f"{IMAGE}-next")})

    assert upload.has_version(old)
    assert upload.has_version(new)
    upload.remove_pipeline(new)
    assert kubeflow.pipeline(props["pipeline"]) is None


def test_the_same_file_runs_here_and_there(kubeflow, props, tmp_path) -> None:
    """What the local runner ran is what KFP keeps, but for the image; both refuse month 13."""
    here = run_pipeline(
        "training",
        {"months": "13"},
        run_dir=tmp_path / "here",
        on_event=print,
        env={"SLIPWAY_LAKE": str(tmp_path / "lake")},
    )
    ran = Compiled("training", (tmp_path / "here" / "training.yaml").read_text())
    assert ran.on(IMAGE).text == props["text"]

    stack = of_stack(kubeflow, props)
    kept = kubeflow.spec(stack.version(props["pipeline"]))
    assert kept == next(yaml.safe_load_all(props["text"]))

    run_id = stack.submit(props["pipeline"], {"months": "13"})
    there = stack.follow(props["pipeline"], run_id, tmp_path / "there", print)
    said = ("ingest", "months='13': month 13 does not exist")
    assert [(run.failure.step, run.failure.cause) for run in (here, there)] == [said, said]
    assert here.failure == there.failure == Failure(*said, here.failure.remedy)


def test_a_run_that_is_terminated_ends(kubeflow, props) -> None:
    """Its pods, too."""
    stack = of_stack(kubeflow, props)
    run_id = stack.submit(props["pipeline"], {})

    kubeflow.terminate(run_id)

    deadline = time.monotonic() + 120
    while kubeflow.run(run_id)["state"] not in ENDED and time.monotonic() < deadline:
        time.sleep(1)
    assert kubeflow.run(run_id)["state"] in {"FAILED", "CANCELED"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"monthz": "1"}, "has no parameter monthz: valid are: accept_breaking, months"),
        ({"rounds": "many"}, "rounds='many' is not a whole number"),
    ],
)
def test_wrong_names_and_values_are_refused_before_anything_runs(
    kubeflow, props, given, said
) -> None:
    """By the declaration that KFP keeps."""
    with pytest.raises(SettingsError, match=said):
        of_stack(kubeflow, props).submit(props["pipeline"], given)


def test_what_is_no_pipeline_is_refused_in_one_line(kubeflow, props) -> None:
    """With KFP's own word."""
    pipeline = kubeflow.make_pipeline(props["pipeline"], "")

    with pytest.raises(KubeflowError, match=r"answered 400: unknown template format$"):
        kubeflow.upload_version(pipeline, "none", "a: 1")


def test_a_recurring_run_is_made_once_and_goes(kubeflow, props) -> None:
    """One of the same name, left by an `up` that was killed, makes room."""
    version = upload.pipeline(props)["version"]
    about = {"cron": "0 0 3 1 1 *", "arguments": {"rounds": 3}, "enabled": False, "kfp": "2.17.0"}
    given = props | about | {"name": f"{props['pipeline']}-nightly", "version": version}

    left, _ = upload.recurring_run(given)
    made, state = upload.recurring_run(given | {"cron": "0 0 4 1 1 *"})

    found = kubeflow.recurring_run(made)
    assert not upload.has_recurring_run(left, given)
    assert found["trigger"]["cron_schedule"]["cron"] == "0 0 4 1 1 *"
    assert (found["status"], found["max_concurrency"], found["no_catchup"]) == (
        "DISABLED",
        "1",
        True,
    )
    assert found["runtime_config"]["parameters"] == {"rounds": 3}
    upload.remove_recurring_run(made, state)
    upload.remove_recurring_run(made, state)
    assert kubeflow.recurring_run(made) is None


def test_a_run_asks_for_parameters_that_kfp_knows(kubeflow, props) -> None:
    """KFP itself refuses others, in one line."""
    stack = of_stack(kubeflow, props)
    work = Work(
        "x", kubeflow.make_experiment(props["pipeline"]), stack.version(props["pipeline"]), {"y": 1}
    )

    with pytest.raises(KubeflowError, match=r"answered 400: .*y$"):
        kubeflow.create_run(work)
