"""A real API server on loopback: etcd and kube-apiserver, nothing else, for one test session.

Their programs are taken from the folder that `KUBEBUILDER_ASSETS` names, as other projects'
tests of this kind take them; without it the tests are skipped, by this name.
"""

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml

PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "ConfigMap": "configmaps",
    "CustomResourceDefinition": "customresourcedefinitions",
    "Deployment": "deployments",
    "Gateway": "gateways",
    "HTTPRoute": "httproutes",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "Namespace": "namespaces",
    "NetworkPolicy": "networkpolicies",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "Pod": "pods",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "PrometheusRule": "prometheusrules",
    "ResourceQuota": "resourcequotas",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "Secret": "secrets",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "ServiceMonitor": "servicemonitors",
    "StatefulSet": "statefulsets",
}


@dataclass(frozen=True)
class ApiServer:
    """A client of the API server that collects what it warns of."""

    http: httpx.Client
    warnings: list[str] = field(default_factory=list)

    def apply(self, manifest: dict, *, dry_run: bool = False) -> httpx.Response:
        """Server-side apply with strict field validation."""
        parameters = {"fieldManager": "slipway", "fieldValidation": "Strict", "force": "true"}
        answer = self.http.patch(
            self.path(manifest),
            params=parameters | ({"dryRun": "All"} if dry_run else {}),
            content=yaml.safe_dump(manifest),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        self.warnings.extend(answer.headers.get_list("Warning"))
        return answer

    @staticmethod
    def path(manifest: dict) -> str:
        """Where an object lives."""
        version, kind = manifest["apiVersion"], manifest["kind"]
        group = f"/apis/{version}" if "/" in version else f"/api/{version}"
        namespace = manifest["metadata"].get("namespace")
        inside = f"/namespaces/{namespace}" if namespace else ""
        return f"{group}{inside}/{PLURALS[kind]}/{manifest['metadata']['name']}"


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The server, ready; it and etcd end with the session."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if not assets:
        pytest.skip("KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver")
    folder = tmp_path_factory.mktemp("api-server")
    client_port, peer_port, secure_port = unused_ports(3)
    etcd = f"http://127.0.0.1:{client_port}"
    with (
        running([f"{assets}/etcd", *etcd_options(folder, etcd, peer_port)], folder / "etcd.log"),
        running(
            [f"{assets}/kube-apiserver", *server_options(folder, etcd, secure_port)],
            folder / "api-server.log",
        ) as process,
        httpx.Client(
            base_url=f"https://127.0.0.1:{secure_port}",
            verify=False,  # noqa: S501 - its certificate was made a second ago, for this test
            headers={"Authorization": f"Bearer {token(folder)}"},
            timeout=30,
        ) as http,
    ):
        wait_until_ready(http, process, folder / "api-server.log")
        yield ApiServer(http)


def etcd_options(folder: Path, address: str, peer_port: int) -> list[str]:
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={address}",
        f"--advertise-client-urls={address}",
        f"--listen-peer-urls=http://127.0.0.1:{peer_port}",
    ]


def server_options(folder: Path, etcd: str, port: int) -> list[str]:
    key = folder / "accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    (folder / "tokens.csv").write_text(f"{secrets.token_hex(16)},admin,1,system:masters\n")
    return [
        f"--etcd-servers={etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.96.0.0/16",
    ]


def token(folder: Path) -> str:
    return (folder / "tokens.csv").read_text().split(",")[0]


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen]:
    """A program for as long as it is needed."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def wait_until_ready(http: httpx.Client, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            if http.get("/readyz").is_success:
                return
        except httpx.HTTPError:
            pass
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline, "the API server never became ready"
        time.sleep(0.1)


@pytest.fixture
def free_ports() -> Callable[[int], list[int]]:
    """Ports that nobody uses now."""
    return unused_ports


def unused_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
