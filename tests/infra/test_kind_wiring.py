"""A cluster of kind's as Pulumi is told of it."""

from dataclasses import asdict, dataclass

import pulumi
import pytest
from pulumi.runtime import mocks as pulumi_mocks

from infra import clusters
from infra.cluster import Cluster
from infra.clusters.kind import resource
from infra.clusters.kind.plan import Plan
from infra.settings.target import Kind
from infra.versions import IMAGES, KIND_NODE
from tests.pulumi_recorder import Recorder

SETTINGS = Kind(cluster="lab", namespace="mlops", workers=1, registry_port=5005)
PLAN = Plan("lab", KIND_NODE, 1, 5005)


@dataclass
class Told:
    """What came of it."""

    recorder: Recorder | None = None
    cluster: Cluster | None = None
    kubeconfig: str = ""


@pytest.fixture(scope="module")
def told(recorded) -> Told:
    """The cluster of the settings, as it was told to Pulumi."""
    told = Told()

    def program() -> pulumi.Output:
        told.cluster = clusters.of(SETTINGS)
        return told.cluster.kubeconfig.apply(lambda text: setattr(told, "kubeconfig", text))

    told.recorder = recorded(
        program,
        {
            "clusters:Kind": lambda _: {"kubeconfig": "clusters: []\n"},
            "RemoteImage": lambda _: {"imageId": "sha256:1"},
        },
    )
    return told


def made(told: Told, kind_of: str) -> pulumi_mocks.MockResourceArgs:
    [found] = [made for made in told.recorder.made if made.typ.endswith(kind_of)]
    return found


def test_the_cluster_is_what_a_service_s_target_needs(told: Told) -> None:
    """Kind's own context, its kubeconfig as text, and where images are pushed."""
    assert told.cluster.context == "kind-lab"
    assert told.cluster.namespace == "mlops"
    assert told.cluster.registry == "localhost:5005"
    assert told.kubeconfig == "clusters: []\n"


def test_pulumi_is_told_the_plan(told: Told) -> None:
    """Under one literal name."""
    cluster = made(told, "clusters:Kind")
    inputs = {key: value for key, value in cluster.inputs.items() if key != "__provider"}

    assert cluster.name == "kind"
    assert {key: inputs[key] for key in asdict(PLAN)} == asdict(PLAN)


def test_the_registry_is_a_container_of_the_pinned_image(told: Told) -> None:
    """Pulled first, on loopback, in kind's network."""
    image, container = made(told, "RemoteImage"), made(told, "container:Container")

    assert image.inputs["name"] == IMAGES["registry"]
    assert container.inputs["image"] == "sha256:1"
    assert container.inputs["ports"] == [{"internal": 5000, "external": 5005, "ip": "127.0.0.1"}]
    assert container.inputs["networksAdvanced"] == [{"name": "kind"}]


def test_a_changed_plan_is_another_cluster() -> None:
    """Nothing of a kind cluster can be changed; the old one makes room first."""
    provider, old = resource._KindProvider(), asdict(PLAN) | {"kubeconfig": "k"}

    same = provider.diff("lab", old, asdict(PLAN) | {"kubeconfig": None})
    other = provider.diff("lab", old, asdict(PLAN) | {"workers": 2.0, "kubeconfig": None})

    assert not same.changes
    assert (other.changes, other.replaces, other.delete_before_replace) == (
        True,
        ["workers"],
        True,
    )


def test_a_cluster_that_is_gone_is_read_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh finds it out, and the next `up` makes it again."""
    monkeypatch.setattr("infra.clusters.kind.cli.names", list)

    assert resource._KindProvider().read("lab", asdict(PLAN)).id == ""


def test_a_refresh_reads_the_kubeconfig_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker may have given the API server another port."""
    monkeypatch.setattr("infra.clusters.kind.cli.names", lambda: ["lab"])
    monkeypatch.setattr("infra.clusters.kind.cli.kubeconfig", lambda name: f"of {name}")

    found = resource._KindProvider().read("lab", asdict(PLAN) | {"kubeconfig": "old"})

    assert found.outs == asdict(PLAN) | {"kubeconfig": "of lab"}
