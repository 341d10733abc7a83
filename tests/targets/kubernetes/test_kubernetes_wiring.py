"""Wiring: what Pulumi is told is what the pure builders made, and no more."""

from dataclasses import replace

import pytest

from infra.cluster import Cluster
from infra.description import Description
from infra.description.steps import Steps
from infra.images.reference import full
from infra.service import Data, Health, PolicyRule, Resources, Scaling, Service, secret, url
from infra.settings.reading import parse
from infra.targets.kubernetes import objects
from infra.targets.kubernetes.integrations import of_integrations
from infra.targets.kubernetes.render_context import RenderContext
from infra.targets.kubernetes.resources import typed_names
from infra.targets.kubernetes.target import KubernetesPlatform
from infra.versions import IMAGES
from tests.pulumi_recorder import Recorder

CLUSTER = Cluster(context="home", namespace="mlops", kubeconfig="/k", storage_class="fast")
# How Pulumi marks a secret value on the wire.
SECRET_MARK, IS_SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
PLACE = RenderContext("mlops", "stack", "fast")
WEB = Service(
    name="web",
    command=("web",),
    image="example.org/web:1",
    health=Health(),
    resources=Resources(10, 20, 30),
    environment={"KEY": f"k={secret('key')}"},
    files={"a.yml": "a: 1\n"},
    scaling=Scaling(min=2, max=3),
    rights=(PolicyRule(("",), ("pods",), ("get",)),),
)
TARGET = {"kind": "existing", "context": "home", "namespace": "mlops"}
GATEWAY = {"class_name": "proxies", "hostname": "example.org"}
SETTINGS = parse({"target": TARGET | {"gateway": GATEWAY}}, source="S")
STORE = Service(
    name="store",
    command=("store",),
    image="example.org/store:1",
    health=Health(),
    resources=Resources(10, 20, 30),
    data=Data(gib=1),
)
SERVICES = [WEB, STORE]
OUTPUTS = {
    "processes:Secret": lambda made: {"value": f"value of {made.name}"},
    "generated:SigningKey": lambda _: {"private": "PEM", "public": "PEM", "before": ""},
}
DESCRIBED = Description(
    SETTINGS,
    tuple(SERVICES),
    Steps({"PLAIN": url("store"), "KEY": secret("key")}, {"defaultPipelineRoot": "s3://x"}),
    {"given": "chosen by somebody"},
)


@pytest.fixture(scope="module")
def recorder(recorded) -> Recorder:
    """A platform of two services as it was told to Pulumi."""
    return recorded(lambda: KubernetesPlatform("platform", DESCRIBED, CLUSTER).outputs, OUTPUTS)


def told(recorder: Recorder) -> dict[tuple[str, str], dict]:
    """The inputs of each Kubernetes resource by its type and logical name."""
    return {
        (made.typ.rpartition(":")[2], made.name): dict(made.inputs)
        for made in recorder.made
        if made.typ.startswith("kubernetes:")
    }


def test_pulumi_is_told_the_objects_as_they_were_built(recorder: Recorder) -> None:
    """Every field arrives under the API's own name; only the Secret's texts are secret."""
    inputs = told(recorder)
    for name in ("web", "pipeline-secrets"):
        hidden = inputs["Secret", name]["stringData"]
        assert hidden[SECRET_MARK] == IS_SECRET
        inputs["Secret", name]["stringData"] = hidden["value"]

    built = {
        (manifest["kind"], manifest["metadata"]["name"]): typed_names(manifest)
        for manifest in (
            *objects.of_cluster(),
            *objects.of_platform(SERVICES, PLACE, {"key": "value of key"}, DESCRIBED.steps),
            *of_integrations(SETTINGS, SERVICES, PLACE),
        )
    }

    assert inputs == built


def test_each_resource_has_its_objects_name_under_its_service(recorder: Recorder) -> None:
    """Logical names are the objects' names: no number, no hash, no setting in them."""
    components = {made.name: made.typ for made in recorder.made if made.typ.startswith("slipway:")}

    assert components == {
        "platform": "slipway:kubernetes:Platform",
        "pipeline-steps": "slipway:kubernetes:Service",
        "web": "slipway:kubernetes:Service",
        "store": "slipway:kubernetes:Service",
    }
    made = [name for _, name in told(recorder) if "." not in name]
    assert sorted(made) == [
        *["default-deny", "kfp-launcher", "mlops", "pipeline-environment"],
        *["pipeline-runner"] * 3,
        *["pipeline-secrets", "pipeline-steps", "slipway", "slipway"],
        *["store"] * 5,
        *["web"] * 10,
    ]


def test_the_cluster_is_reached_by_the_context_of_the_settings(recorder: Recorder) -> None:
    """There is one provider, and it names its kubeconfig and context."""
    providers = [made for made in recorder.made if made.typ == "pulumi:providers:kubernetes"]

    assert [(made.name, made.inputs) for made in providers] == [
        ("cluster", {"kubeconfig": "/k", "context": "home"})
    ]
    assert {
        made.provider.rpartition("$")[2]
        for made in recorder.made
        if made.typ.startswith("kubernetes:")
    } == {"pulumi:providers:kubernetes::cluster::cluster-id"}


@pytest.fixture
def with_kubeflow(recorded) -> Recorder:
    """A platform whose one service is Kubeflow Pipelines' API server, and a recurring run."""
    kubeflow = replace(STORE, name="ml-pipeline", image="example.org/kfp:2.17.0")
    nightly = {"recurring": [{"name": "nightly", "cron": "0 0 3 * * *"}]}
    settings = parse({"target": TARGET, "pipelines": nightly}, source="S")
    described = replace(DESCRIBED, settings=settings, services=(kubeflow,))
    return recorded(lambda: KubernetesPlatform("platform", described, CLUSTER).outputs, OUTPUTS)


def test_pipelines_come_with_kubeflow(with_kubeflow: Recorder) -> None:
    """Every pipeline, and each recurring run with the version of KFP that made it."""
    inputs = {made.name: made.inputs for made in with_kubeflow.made if "kubeflow:" in made.typ}

    assert sorted(inputs) == ["pipeline-training", "recurring-nightly"]
    assert inputs["recurring-nightly"]["kfp"] == "2.17.0"
    assert f"image: {full(IMAGES['slipway'])}\n" in inputs["pipeline-training"]["text"]


def test_without_kubeflow_there_are_no_pipelines(recorder: Recorder) -> None:
    """Nothing is compiled, either."""
    assert [made for made in recorder.made if "kubeflow:" in made.typ] == []
