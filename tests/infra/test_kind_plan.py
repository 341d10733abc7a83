"""What kind is told, as plain data."""

import yaml

from infra.clusters.kind import plan as kind_plan
from infra.clusters.kind.plan import Plan
from infra.target_settings import Kind
from infra.versions import IMAGES, KIND_NODE

PLAN = Plan(name="lab", image="kindest/node:v1", workers=2, registry_port=5001)


def test_the_configuration_is_the_plan() -> None:
    """Nodes by their roles, each of the pinned image, and a folder for the registry's name."""
    assert yaml.safe_load(kind_plan.configuration(PLAN)) == {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": "lab",
        "nodes": [
            {"role": "control-plane", "image": "kindest/node:v1"},
            {"role": "worker", "image": "kindest/node:v1"},
            {"role": "worker", "image": "kindest/node:v1"},
        ],
        "containerdConfigPatches": [
            '[plugins."io.containerd.grpc.v1.cri".registry]\n'
            '  config_path = "/etc/containerd/certs.d"\n'
        ],
    }


def test_settings_become_a_plan_of_the_pinned_image() -> None:
    """By digest: a tag of a node image may come to be another kind's."""
    plan = Plan.of_settings(Kind(cluster="lab", workers=1, registry_port=5005))

    assert plan == Plan("lab", KIND_NODE, 1, 5005)
    assert "@sha256:" in KIND_NODE


def test_the_registry_has_one_name_on_this_machine_and_on_the_nodes() -> None:
    """A node looks up localhost:PORT and finds the container, in kind's network."""
    container = kind_plan.registry_container(PLAN)

    assert PLAN.hosts_folder == "/etc/containerd/certs.d/localhost:5001"
    assert kind_plan.hosts_file(PLAN) == '[host."http://lab-registry:5000"]\n'
    assert container["name"] == "lab-registry"
    assert container["networks_advanced"] == [{"name": "kind"}]
    assert kind_plan.registry_image() == IMAGES["registry"]


def test_the_registry_listens_on_this_machine_alone() -> None:
    """Nobody else may push what the cluster runs."""
    [port] = kind_plan.registry_container(PLAN)["ports"]

    assert port == {"internal": 5000, "external": 5001, "ip": "127.0.0.1"}


def test_tools_find_the_registry_in_the_cluster() -> None:
    """By the ConfigMap that Kubernetes' own convention names."""
    found = yaml.safe_load(kind_plan.registry_hosting(PLAN))

    assert found["metadata"] == {"name": "local-registry-hosting", "namespace": "kube-public"}
    assert yaml.safe_load(found["data"]["localRegistryHosting.v1"])["host"] == "localhost:5001"


def test_what_pulumi_hands_over_is_the_same_plan() -> None:
    """Its whole numbers are floats."""
    props = {"name": "lab", "image": "kindest/node:v1", "workers": 2.0, "registry_port": 5001.0}

    assert Plan.of(props) == PLAN
    assert kind_plan.changed(props, props) == []
    assert kind_plan.changed(props, props | {"workers": 3.0}) == ["workers"]
