"""The examination of a cluster, line by line, before a real API server."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import yaml

from infra.clusters import checks
from infra.clusters.connection import Connection
from infra.clusters.facts import cluster_facts
from infra.diagnosis import Diagnosis
from infra.errors import ClusterError
from infra.service import Resources, Service
from infra.services import all_services
from infra.settings.target import Existing
from infra.settings.tree import Settings

pytestmark = [pytest.mark.cluster]

NODES, CLASSES = "/api/v1/nodes", "/apis/storage.k8s.io/v1/storageclasses"
DEFAULT = "storageclass.kubernetes.io/is-default-class"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"


@pytest.fixture
def services() -> list[Service]:
    return all_services(Settings(), grafana_at_hand=True)


@pytest.fixture
def kubeconfig(api_server, tmp_path: Path) -> Callable[..., str]:
    """Writes a kubeconfig whose one context is `home`."""

    def write(token: str = "", server: str = "") -> str:
        token = token or api_server.http.headers["Authorization"].removeprefix("Bearer ")
        server = server or str(api_server.http.base_url)
        cluster = {"server": server, "insecure-skip-tls-verify": True}
        path = tmp_path / "kubeconfig"
        path.write_text(
            yaml.safe_dump(
                {
                    "clusters": [{"name": "c", "cluster": cluster}],
                    "users": [{"name": "u", "user": {"token": token}}],
                    "contexts": [{"name": "home", "context": {"cluster": "c", "user": "u"}}],
                }
            )
        )
        return str(path)

    return write


@pytest.fixture
def node(api_server) -> Iterator[str]:
    """A node that says it is ready and has room; nothing runs on it."""
    made = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "roomy"}}
    allowed(api_server.http.post(NODES, json=made))
    status = {
        "allocatable": {"cpu": "3900m", "memory": "7Gi", "pods": "110"},
        "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    patch(api_server, f"{NODES}/roomy/status", {"status": status})
    # Admission puts a taint on new nodes, which a controller takes off.
    patch(api_server, f"{NODES}/roomy", {"spec": {"taints": None}})
    yield "roomy"
    api_server.http.delete(f"{NODES}/roomy")


@pytest.fixture
def storage_class(api_server) -> Iterator[str]:
    """The cluster's default storage class."""
    made = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "standard-test",
            "annotations": {DEFAULT: "true"},
        },
        "provisioner": "example.org/none",
    }
    allowed(api_server.http.post(CLASSES, json=made))
    yield "standard-test"
    api_server.http.delete(f"{CLASSES}/standard-test")


@pytest.fixture
def no_default_class(api_server) -> Iterator[None]:
    """No class is the default, for once: other tests of the session may have made one."""
    found = [item["metadata"]["name"] for item in api_server.http.get(CLASSES).json()["items"]]
    for name in found:
        annotate(api_server, name, "false")
    yield
    for name in found:
        annotate(api_server, name, "true")


def annotate(api_server, name: str, default: str) -> None:
    change = {"metadata": {"annotations": {DEFAULT: default}}}
    patch(api_server, f"{CLASSES}/{name}", change)


@pytest.fixture
def greedy(services) -> list[Service]:
    """Services that no cluster has room for."""
    return [replace(services[0], resources=Resources(10**9, 10**9, 10**9)), *services[1:]]


@pytest.fixture
def restricted(api_server) -> Iterator[str]:
    """The token of a real account that has no rights but everybody's."""
    account = {"metadata": {"name": "restricted"}}
    allowed(api_server.http.post(ACCOUNTS, json=account))
    answer = api_server.http.post(f"{ACCOUNTS}/restricted/token", json={"spec": {}})
    yield allowed(answer).json()["status"]["token"]
    api_server.http.delete(f"{ACCOUNTS}/restricted")


def allowed(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, answer.text
    return answer


def patch(api_server, path: str, change: dict) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    allowed(api_server.http.patch(path, json=change, headers=headers))


def target(kubeconfig: str, **settings: object) -> Existing:
    return Existing(context="home", kubeconfig=kubeconfig, **settings)


def wrong(found: list[Diagnosis]) -> list[str]:
    return [diagnosis.summary for diagnosis in found if diagnosis.level == "error"]


def test_a_cluster_with_all_that_is_needed_passes(
    api_server, kubeconfig, services, node, storage_class
) -> None:
    """The real answers are read: version, account, nodes, classes, rights."""
    found = checks.examine(target(kubeconfig()), services)

    assert wrong(found) == []
    summaries = [diagnosis.summary for diagnosis in found]
    assert summaries[0].startswith("context home of ")
    assert summaries[1].startswith("Kubernetes v1.")
    assert any("MiB for pods" in summary for summary in summaries)
    assert "all rights that the stack needs" in summaries
    assert "the cluster has no metrics.k8s.io" in summaries
    checks.require(target(kubeconfig()), services)


def test_a_missing_storage_class_is_said(kubeconfig, services, node, storage_class) -> None:
    """The one of the settings, with those there are."""
    found = checks.examine(target(kubeconfig(), storage_class="fast"), services)

    assert wrong(found) == ["there is no storage class 'fast'"]


def test_no_default_storage_class_is_said(kubeconfig, services, node, no_default_class) -> None:
    """Volumes would wait for ever."""
    found = checks.examine(target(kubeconfig()), services)

    assert wrong(found) == ["no storage class is the default"]


def test_a_cluster_without_room_is_said(kubeconfig, greedy, storage_class) -> None:
    """Pods would wait for ever."""
    found = checks.examine(target(kubeconfig()), greedy)

    [line] = wrong(found)
    assert line.startswith("the cluster is too small: ")


@pytest.mark.parametrize(
    "change",
    [{"unschedulable": True}, {"taints": [{"key": "mine", "effect": "NoSchedule"}]}],
)
def test_a_node_that_takes_no_pods_of_ours_does_not_count(
    api_server, kubeconfig, node, change: dict
) -> None:
    """Cordoned, or kept for somebody else."""
    connection = Connection.of(kubeconfig(), "home")
    before = cluster_facts(connection, []).room
    patch(api_server, f"{NODES}/{node}", {"spec": change})

    after = cluster_facts(connection, []).room

    assert (before.nodes - after.nodes, before.cpu - after.cpu) == (1, 3900)
    assert before.memory - after.memory == 7 * 1024


def test_missing_rights_are_named(kubeconfig, services, restricted) -> None:
    """Of a real account, by the server's own reviews; what may not be asked is a warning."""
    found = checks.examine(target(kubeconfig(restricted)), services)

    [line] = wrong(found)
    assert line.startswith("system:serviceaccount:default:restricted may not create namespaces,")
    assert "create customresourcedefinitions.apiextensions.k8s.io" in line
    assert "delete deployments.apps" in line
    warnings = {diagnosis.summary for diagnosis in found if diagnosis.level == "warning"}
    assert "what room the nodes have may not be asked" in warnings
    assert "which storage classes there are may not be asked" in warnings


def test_a_gateway_needs_its_api(kubeconfig, services, node, storage_class) -> None:
    """The server has none."""
    gateway = {"class_name": "envoy", "hostname": "ml.example.org"}
    found = checks.examine(
        Existing.model_validate(
            {"context": "home", "kubeconfig": kubeconfig(), "gateway": gateway}
        ),
        services,
    )

    assert wrong(found) == ["the cluster has no Gateway API"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"context": "work"}, r"has no context 'work'; it has home"),
        ({"kubeconfig": "/nowhere/kubeconfig"}, r"no kubeconfig /nowhere/kubeconfig"),
    ],
)
def test_a_way_that_leads_nowhere_is_said(kubeconfig, services, changes: dict, said: str) -> None:
    """Before anything is asked."""
    settings = {"context": "home", "kubeconfig": kubeconfig()} | changes

    with pytest.raises(ClusterError, match=said):
        checks.require(Existing(**settings), services)


def test_a_closed_port_is_said(kubeconfig, services) -> None:
    """In one line, for all commands alike."""
    unreachable = target(kubeconfig(server="https://127.0.0.1:1"))

    with pytest.raises(ClusterError, match=r"does not answer at .*\(nothing was changed\)$"):
        checks.require(unreachable, services)


def test_all_that_is_wrong_is_said_at_once(kubeconfig, greedy, no_default_class) -> None:
    """One run, one line, every remedy."""
    with pytest.raises(ClusterError, match=r"too small.*: add nodes.*no storage class") as told:
        checks.require(target(kubeconfig()), greedy)

    assert "\n" not in str(told.value)
