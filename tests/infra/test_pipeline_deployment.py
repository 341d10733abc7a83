"""Pipelines and recurring runs as Pulumi is told of them."""

from pathlib import Path

import pulumi
import pytest

from infra.cluster import Cluster
from infra.errors import SettingsError
from infra.kubeflow import deployment, upload
from infra.kubeflow.client import Version, Work
from infra.kubeflow.compiled import Compiled
from infra.settings.pipelines import RecurringRun

GOLDEN = Compiled("training", (Path(__file__).parents[1] / "golden" / "training.yaml").read_text())
ON = GOLDEN.on("example.org/slipway@sha256:1")
NIGHTLY = RecurringRun(name="nightly", cron="0 0 3 * * *", arguments={"rounds": "30"})
CLUSTER = Cluster(context="home", namespace="mlops", kubeconfig="/k")
REACHED = {"kubeconfig": "/k", "context": "home", "namespace": "mlops"}
RECURRING = {
    **REACHED,
    "name": "nightly",
    "pipeline": "training",
    "version": ON.version,
    "cron": "0 0 3 * * *",
    "arguments": {"rounds": 30},
    "enabled": True,
    "kfp": "2.17.0",
}


@pytest.fixture(scope="module")
def told(recorded) -> dict[str, dict]:
    """The inputs of each resource, by its type and logical name; `versions` is the output."""
    found: dict[str, str] = {}

    def program() -> pulumi.Output:
        place = deployment.Deployment(CLUSTER, "example.org/slipway@sha256:1", "2.17.0")
        versions = deployment.deploy([NIGHTLY], place, pulumi.ResourceOptions())
        return pulumi.Output.all(**versions).apply(found.update)

    inputs = {
        made.name: {key: value for key, value in made.inputs.items() if key != "__provider"}
        for made in recorded(program).made
    }
    return {**inputs, "versions": found}


def test_what_is_uploaded_is_the_compiled_file_on_the_deployment_s_image(told) -> None:
    """Under a literal name."""
    uploaded = told["pipeline-training"]

    assert {key: uploaded[key] for key in upload.PIPELINE} == {
        **REACHED,
        "pipeline": "training",
        "text": ON.text,
    }
    assert told["versions"] == {"training": ON.version}


def test_a_recurring_run_is_the_setting_s_with_typed_arguments(told) -> None:
    """It names the version by its hash, so that a new one replaces it."""
    assert told["recurring-nightly"] == RECURRING


@pytest.mark.parametrize(
    ("change", "replaced"),
    [
        ({"cron": "0 0 4 * * *"}, ["cron"]),
        ({"arguments": {"rounds": 31}}, ["arguments"]),
        ({"enabled": False}, ["enabled"]),
        ({"version": "other"}, ["version"]),
        ({"kfp": "2.18.0"}, ["kfp"]),
        ({"kubeconfig": "/other"}, []),
    ],
)
def test_any_change_of_a_recurring_run_replaces_it(change, replaced) -> None:
    """KFP cannot change one; the old one goes first. Only the way to the cluster may change."""
    found = deployment._RecurringRunProvider().diff("id", RECURRING, RECURRING | change)

    assert (found.changes, found.replaces, found.delete_before_replace) == (True, replaced, True)


def test_nothing_changes_if_nothing_changed() -> None:
    """A second `up` does nothing."""
    old = {**REACHED, "pipeline": "training", "text": ON.text, "version": ON.version}

    assert not deployment._RecurringRunProvider().diff("id", RECURRING, dict(RECURRING)).changes
    assert not deployment._PipelineProvider().diff("id", old, old | {"version": None}).changes


def test_another_text_is_another_version_of_the_same_pipeline() -> None:
    """It is uploaded beside the old one; in another namespace it is another pipeline."""
    old = {**REACHED, "pipeline": "training", "text": ON.text}
    provider = deployment._PipelineProvider()

    text = provider.diff("id", old, old | {"text": GOLDEN.text})
    moved = provider.diff("id", old, old | {"namespace": "other"})

    assert (text.changes, text.replaces) == (True, [])
    assert (moved.changes, moved.replaces) == (True, ["namespace"])


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (
            [NIGHTLY, NIGHTLY],
            r"^slipway:pipelines.recurring\[1\].name nightly stands twice: choose another$",
        ),
        (
            [NIGHTLY.model_copy(update={"pipeline": "trainng"})],
            r"^slipway:pipelines.recurring\[0\].pipeline is 'trainng': should be one of training$",
        ),
        (
            [NIGHTLY.model_copy(update={"arguments": {"round": "1"}})],
            r"^slipway:pipelines.recurring\[0\].arguments: the pipeline has no parameter round: va",
        ),
        (
            [NIGHTLY.model_copy(update={"arguments": {"rounds": "x"}})],
            r"^slipway:pipelines.recurring\[0\].arguments: rounds='x' is not a whole number: give",
        ),
    ],
)
def test_a_recurring_run_that_does_not_fit_its_pipeline_is_refused(runs, said) -> None:
    """Field and rule, before anything is touched."""
    with pytest.raises(SettingsError, match=said):
        deployment.checked(runs, {"training": GOLDEN})


def test_a_cluster_that_is_gone_holds_up_no_removal(tmp_path) -> None:
    """There is nothing left to remove."""
    props = RECURRING | {"kubeconfig": str(tmp_path / "gone")}

    upload.remove_pipeline(props)
    upload.remove_recurring_run("id", props)


def test_what_runs_is_asked_for_as_the_api_takes_it() -> None:
    """By version, as the runner's account, with plain parameters."""
    assert Work("nightly", "e", Version("p", "v"), {"rounds": 3}).as_json() == {
        "display_name": "nightly",
        "experiment_id": "e",
        "pipeline_version_reference": {"pipeline_id": "p", "pipeline_version_id": "v"},
        "runtime_config": {"parameters": {"rounds": 3}},
        "service_account": "pipeline-runner",
    }
