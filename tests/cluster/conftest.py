"""A real API server on loopback: etcd and kube-apiserver, for one test session.

Their programs come from the folder that `KUBEBUILDER_ASSETS` names, as in other projects' tests
of this kind, or from the toolchain (`make test-cluster`); without them the tests are skipped, by
this name.
"""

import json
import os
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml

from infra.home import Home

CONTEXT = "control-plane"
PATIENCE = 120
# How the server answers for a kind whose definition it is just taking in.
COMING = {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}


@dataclass(frozen=True)
class Programs:
    """The folder of the programs."""

    folder: Path

    def require(self, *names: str) -> None:
        """Skip the test, by name, where a program is not there."""
        missing = ", ".join(name for name in names if not (self.folder / name).exists())
        if missing:
            pytest.skip(f"{self.folder} has no {missing}: `make test-cluster` brings them")

    @contextmanager
    def running(self, name: str, options: list[str], log: Path) -> Iterator[subprocess.Popen]:
        """A program for as long as it is needed."""
        with log.open("w") as output:
            process = subprocess.Popen([self.folder / name, *options], stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass
class ApiServer:
    """A client of the API server that collects what it warns of."""

    http: httpx.Client
    kubeconfig: Path
    warnings: list[str] = field(default_factory=list)
    known: dict[tuple[str, str], dict] = field(default_factory=dict)

    def apply(self, manifest: dict, *, dry_run: bool = False) -> httpx.Response:
        """Server-side apply with strict field validation."""
        parameters = {"fieldManager": "slipway", "fieldValidation": "Strict", "force": "true"}
        answer = self.http.patch(
            self.path(manifest),
            params=parameters | ({"dryRun": "All"} if dry_run else {}),
            # As JSON: YAML takes a checksum like 1234e567 for a number.
            content=json.dumps(manifest),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        self.warnings.extend(answer.headers.get_list("Warning"))
        return answer

    def apply_all(self, manifests: list[dict]) -> dict[str, dict]:
        """Every object as the server took it, by its path; a refusal fails the test."""
        answers = {self.path(manifest): self.apply(manifest) for manifest in manifests}
        refused = {
            path: answer.json().get("message")
            for path, answer in answers.items()
            if answer.is_error
        }
        assert refused == {}
        return {path: answer.json() for path, answer in answers.items()}

    def read_all(self, manifests: list[dict]) -> dict[str, dict]:
        """Every object as it is now, by its path."""
        return {path: self.get(path) for path in map(self.path, manifests)}

    def get(self, path: str, **parameters: str) -> dict:
        """What is at a path."""
        return self.http.get(path, params=parameters).raise_for_status().json()

    def items(self, path: str) -> list[dict]:
        """What a list at a path holds."""
        return self.get(path)["items"]

    def path(self, manifest: dict) -> str:
        """Where an object lives."""
        version, kind = manifest["apiVersion"], manifest["kind"]
        found = self.kind(version, kind)
        metadata = manifest["metadata"]
        inside = f"/namespaces/{metadata['namespace']}" if found["namespaced"] else ""
        return f"{group_path(version)}{inside}/{found['name']}/{metadata['name']}"

    def kind(self, version: str, kind: str) -> dict:
        """What the server says of a kind: its plural, whether it is in namespaces."""
        if (version, kind) not in self.known:
            for each in self.get(group_path(version))["resources"]:
                if "/" not in each["name"]:
                    self.known[version, each["kind"]] = each
        return self.known[version, kind]

    def everything(self) -> set[str]:
        """Every object there is: its list and its name.

        Without what comes and goes by itself: events, leases, and all in Kubernetes' own
        namespaces.
        """
        versions = [
            "v1",
            *(group["preferredVersion"]["groupVersion"] for group in self.get("/apis")["groups"]),
        ]
        lists = {
            f"{group_path(version)}/{each['name']}"
            for version in versions
            for each in self.found(group_path(version), "resources")
            if "list" in each["verbs"] and each["name"] not in {"events", "leases"}
        }
        return {
            f"{path} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
            for path in lists
            for item in self.found(path, "items")
            if not item["metadata"].get("namespace", "").startswith("kube-")
        }

    def found(self, path: str, key: str) -> list[dict]:
        """What is listed at a path of a kind that may come and go meanwhile."""
        answers: list[httpx.Response] = []

        def busy() -> str:
            answers.append(self.http.get(path))
            return answers[-1].text if answers[-1].status_code in COMING else ""

        wait_until_nothing_is_left(busy)
        gone = answers[-1].status_code == httpx.codes.NOT_FOUND
        return [] if gone else answers[-1].raise_for_status().json()[key]

    def delete(self, path: str) -> None:
        """Delete what is at a path, if anything is, and all that it owns."""
        body = {"propagationPolicy": "Background"}
        answer = self.http.request("DELETE", path, json=body)
        assert answer.is_success or answer.status_code == httpx.codes.NOT_FOUND, answer.text


def group_path(version: str) -> str:
    """Where a version of a group of kinds lives."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def wait_until_nothing_is_left(problem: Callable[[], object]) -> None:
    """Wait until nothing is the matter any more; fail with what still is."""
    deadline = time.monotonic() + PATIENCE
    while found := problem():
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until what it is given finds nothing any more, and fails with what it still finds."""
    return wait_until_nothing_is_left


@pytest.fixture(scope="session")
def programs() -> Programs:
    """The programs that this machine has."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    return Programs(Path(named) if named else Home.of_environment().tools / "bin")


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory, programs: Programs) -> Iterator[ApiServer]:
    """The server, ready; it and etcd end with the session."""
    programs.require("etcd", "kube-apiserver")
    folder = tmp_path_factory.mktemp("api-server")
    client_port, peer_port, secure_port = unused_ports(3)
    etcd = f"http://127.0.0.1:{client_port}"
    with (
        programs.running("etcd", etcd_options(folder, etcd, peer_port), folder / "etcd.log"),
        programs.running(
            "kube-apiserver", server_options(folder, etcd, secure_port), folder / "api-server.log"
        ) as process,
    ):
        certificate = folder / "certificates" / "apiserver.crt"
        wait_for_file(certificate, process, folder / "api-server.log")
        kubeconfig = write_kubeconfig(folder, f"https://127.0.0.1:{secure_port}", certificate)
        with httpx.Client(
            base_url=f"https://127.0.0.1:{secure_port}",
            verify=ssl.create_default_context(cafile=str(certificate)),
            headers={"Authorization": f"Bearer {token(folder)}"},
            timeout=30,
        ) as http:
            wait_until_ready(http, process, folder / "api-server.log")
            yield ApiServer(http, kubeconfig)


def etcd_options(folder: Path, address: str, peer_port: int) -> list[str]:
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={address}",
        f"--advertise-client-urls={address}",
        f"--listen-peer-urls=http://127.0.0.1:{peer_port}",
        "--unsafe-no-fsync",
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


def write_kubeconfig(folder: Path, address: str, certificate: Path) -> Path:
    """What programs and Pulumi reach the server by."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": CONTEXT,
                "cluster": {"server": address, "certificate-authority": str(certificate)},
            }
        ],
        "users": [{"name": CONTEXT, "user": {"token": token(folder)}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    path.chmod(0o600)
    return path


def token(folder: Path) -> str:
    return (folder / "tokens.csv").read_text().split(",")[0]


def wait_for_file(path: Path, process: subprocess.Popen, log: Path) -> None:
    """A program writes it soon after its start."""
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.05)


def wait_until_ready(http: httpx.Client, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
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
