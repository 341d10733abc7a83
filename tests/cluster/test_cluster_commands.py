"""What `slipway status` and `slipway logs` say of a stack on a real API server."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from infra.errors import ClusterError, SlipwayError
from slipway.operations.cluster import logs
from slipway.operations.cluster import status as cluster_status
from slipway.operations.target import Pods, all_up
from slipway.stack.running import Running

pytestmark = [pytest.mark.cluster]

NAMESPACE = "slipway-commands"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
UP = {
    "conditions": [{"type": "Ready", "status": "True"}],
    "containerStatuses": [
        {
            "name": "main",
            "image": "web:1",
            "imageID": "",
            "ready": True,
            "restartCount": 2,
            "state": {"running": {}},
        }
    ],
}
PULLING = {
    "containerStatuses": [
        {
            "name": "main",
            "image": "web:1",
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}},
        }
    ],
}


@pytest.fixture
def running(api_server, tmp_path: Path) -> Iterator[Running]:
    """A stack of three services, as `slipway up` leaves its outputs."""
    header = api_server.http.headers["Authorization"]
    cluster = {"server": str(api_server.http.base_url), "insecure-skip-tls-verify": True}
    user = {"token": header.removeprefix("Bearer ")}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "home", "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )
    made(api_server.http.post("/api/v1/namespaces", json={"metadata": {"name": NAMESPACE}}))
    account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    made(api_server.http.post(account, json={"metadata": {"name": "default"}}))
    services = {
        name: {"url": f"http://{name}.{NAMESPACE}.svc:8080", "ui": "", "version": "1"}
        for name in ("web", "store", "tracking")
    }
    way = {"context": "home", "kubeconfig": str(kubeconfig), "namespace": NAMESPACE}
    yield Running.of({"services": services, "secrets": {}, "cluster": way}, "lab")
    for path in (PODS, DEPLOYMENTS):
        api_server.http.delete(path, params={"gracePeriodSeconds": 0})


def made(answer: httpx.Response) -> None:
    assert answer.is_success or answer.status_code == httpx.codes.CONFLICT, answer.text


def pod(api_server, service: str, status: dict) -> None:
    labels = {"app.kubernetes.io/name": service}
    container = {"name": "main", "image": "web:1"}
    # No scheduler takes it, so its status stays as it is made here.
    spec = {"containers": [container], "schedulerName": "nobody"}
    spec["automountServiceAccountToken"] = False
    name = f"{service}-1"
    made(
        api_server.http.post(
            PODS, json={"metadata": {"name": name, "labels": labels}, "spec": spec}
        )
    )
    headers = {"Content-Type": "application/merge-patch+json"}
    path = f"{PODS}/{name}/status"
    made(api_server.http.patch(path, json={"status": status}, headers=headers))


def deployment(api_server, service: str, replicas: int = 1) -> None:
    labels = {"app.kubernetes.io/name": service}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": "web:1"}]},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    spec["paused"] = True  # where controllers run, they add no pods
    made(
        api_server.http.post(
            DEPLOYMENTS, json={"metadata": {"name": service, "labels": labels}, "spec": spec}
        )
    )


def test_status_counts_pods_and_says_what_is_wrong_with_one(api_server, running) -> None:
    """Up, down with the reason, and gone: as the API server has them."""
    deployment(api_server, "web")
    pod(api_server, "web", UP)
    deployment(api_server, "store", replicas=2)
    pod(api_server, "store", PULLING)

    found = cluster_status.states(running)

    assert [
        (each.name, each.state, each.instance, each.restarts, each.trouble) for each in found
    ] == [
        ("web", "up", Pods(1, 1), 2, ""),
        ("store", "down", Pods(0, 2), 0, "ImagePullBackOff: no such image"),
        ("tracking", "gone", Pods(0, 0), 0, ""),
    ]
    assert not all_up(found)


def test_a_log_that_cannot_be_had_says_what_is_wrong_with_the_pod(api_server, running) -> None:
    """The pod's own trouble comes before what the API server says of its log."""
    pod(api_server, "store", PULLING)

    with pytest.raises(
        ClusterError, match=r"^no log of store \(store-1\): ImagePullBackOff: no such image$"
    ):
        list(logs.lines(running, "store", 10))


def test_logs_of_a_service_that_is_not_there(running) -> None:
    """Those there are, by name; and one without a pod points at the status."""
    with pytest.raises(SlipwayError, match="no service 'wbe'; there are web, store, tracking"):
        list(logs.lines(running, "wbe", 10))
    with pytest.raises(SlipwayError, match="web has no pod: see `slipway status`"):
        list(logs.lines(running, "web", 10))


def test_a_service_that_does_not_answer_is_one_line(running) -> None:
    """The API server's word for it, not its JSON; nobody takes it for the service's own."""
    with pytest.raises(SlipwayError, match=r'does not answer \(services "tracking" not found\)'):
        running.champion("flight-delays", "champion")
