"""The whole platform as pods of a real node, in a namespace of its own, once for all tests.

The cluster is the one whose kubeconfig `SLIPWAY_TEST_KUBECONFIG` names; it is reached by
kubectl. `SLIPWAY_TEST_NAMESPACE` names a namespace to use and to keep; else there is a new one,
which goes with the tests. What the node has no image of is skipped, by the image's name.
"""

import contextlib
import datetime as dt
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import httpx
import pytest

from infra.description import describe
from infra.services import object_store
from infra.settings.target import Existing
from infra.settings.tree import Settings
from infra.targets.kubernetes import objects
from infra.targets.kubernetes.render_context import RenderContext

NOT_PULLED = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}
WORKLOADS = {"Deployment": "deployment", "StatefulSet": "statefulset"}
READY_SECONDS = 300


@dataclass(frozen=True)
class Cluster:
    """kubectl on one namespace."""

    kubeconfig: str
    namespace: str

    def __call__(self, *arguments: str, given: str | None = None) -> str:
        """What a command says; it must succeed."""
        done = self.run(*arguments, given=given)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def run(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command, whatever comes of it."""
        return subprocess.run(
            self.command(*arguments),
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        return ["kubectl", f"--kubeconfig={self.kubeconfig}", "-n", self.namespace, *arguments]

    def get(self, *what: str) -> Any:
        """Objects, read."""
        return json.loads(self("get", *what, "-o", "json"))

    def apply(self, manifests: list[dict]) -> None:
        """Server-side apply of all of them, with strict field validation."""
        self(
            *("apply", "--server-side", "--force-conflicts", "--validate=strict"),
            *("--field-manager=slipway", "-f", "-"),
            given=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}),
        )

    def pods(self, service: str) -> list[dict]:
        """The pods of a service that are not on their way out."""
        found = self.get("pods", "-l", f"app.kubernetes.io/name={service}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    @contextlib.contextmanager
    def forward(self, service: str, port: str = "http") -> Iterator[str]:
        """A way to a port of a service from this machine, as host:port."""
        with subprocess.Popen(
            self.command("port-forward", f"service/{service}", f":{port}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                line = process.stdout.readline()
                found = re.search(r"Forwarding from (127\.0\.0\.1:\d+)", line)
                assert found, f"{service}: {line}{process.stdout.read()}"
                yield found[1]
            finally:
                process.terminate()


@dataclass
class OnNode:
    """The platform that stands on the node.

    `missing` are images it cannot have, by service; `restarts` those of each pod as it came up;
    `begun` is when all of it was applied, as the API server writes times.
    """

    cluster: Cluster
    settings: Settings
    secrets: dict[str, str]
    manifests: list[dict]
    missing: dict[str, str] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    begun: str = ""

    def has(self, service: str) -> bool:
        """Whether the platform has it, and the node its image."""
        return service in self.workloads and service not in self.missing

    def needs(self, *services: str) -> None:
        """Skip the test unless the node has the images of all of these."""
        for service in services:
            assert service in self.workloads, f"the platform has no {service}"
            if not self.has(service):
                pytest.skip(f"the node cannot have the image {self.missing[service]} ({service})")

    def needs_image(self, image: str) -> None:
        """Skip the test unless the node has, or can pull, an image."""
        name = f"image-{hashlib.sha256(image.encode()).hexdigest()[:8]}"
        if name not in self.missing:
            self.cluster.apply([self._pod_of(name, image)])
            wait_until(lambda: not self._state(name), READY_SECONDS)
            reason = self._state(name)
            self.missing[name] = image if reason in NOT_PULLED else ""
            self.cluster("delete", "pod", name, "--wait=false")
        if self.missing[name]:
            pytest.skip(f"the node cannot have the image {image}")

    @property
    def workloads(self) -> dict[str, str]:
        """Each workload's kind, as kubectl calls it, by its name."""
        return {
            manifest["metadata"]["name"]: WORKLOADS[manifest["kind"]]
            for manifest in self.manifests
            if manifest["kind"] in WORKLOADS
        }

    @contextlib.contextmanager
    def s3(self) -> Iterator[Any]:
        """An S3 client of the object store."""
        with self.cluster.forward(object_store.NAME) as address:
            yield boto3.client(
                "s3",
                endpoint_url=f"http://{address}",
                region_name="us-east-1",
                aws_access_key_id=self.secrets[object_store.ACCESS_KEY],
                aws_secret_access_key=self.secrets[object_store.SECRET_KEY],
            )

    @contextlib.contextmanager
    def client(self, service: str, port: str = "http") -> Iterator[httpx.Client]:
        """An HTTP client of a service."""
        with (
            self.cluster.forward(service, port) as address,
            httpx.Client(base_url=f"http://{address}", timeout=60) as client,
        ):
            yield client

    def wait_ready(self, *services: str) -> None:
        """Wait until all pods of these are ready, or known to have no image."""
        wait_until(
            lambda: [name for name in services if name not in self.missing and not self._up(name)],
            READY_SECONDS,
        )

    def stand(self) -> None:
        """Apply everything and wait until it is ready."""
        before = self._restarts()
        self.cluster.apply(self.manifests)
        self.begun = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        self.wait_ready(*self.workloads)
        self.restarts = {
            name: count - before.get((name, uid), 0)
            for (name, uid), count in self._restarts().items()
        }

    def _restarts(self) -> dict[tuple[str, str], int]:
        return {
            (pod["metadata"]["name"], pod["metadata"]["uid"]): status["restartCount"]
            for name in self.workloads
            if self.has(name)
            for pod in self.cluster.pods(name)
            for status in pod["status"].get("containerStatuses", [])
        }

    def kill_pod(self, service: str) -> None:
        """Delete a service's pod and wait for the next, which must be another."""
        before = {pod["metadata"]["uid"] for pod in self.cluster.pods(service)}
        assert before, f"{service} has no pod"
        self.cluster("delete", "pod", "-l", f"app.kubernetes.io/name={service}")
        self.wait_ready(service)
        assert not before & {pod["metadata"]["uid"] for pod in self.cluster.pods(service)}

    def _pod_of(self, name: str, image: str) -> dict:
        """A pod whose program is not there: all that it can show is that it has its image."""
        [workload] = [
            m
            for m in self.manifests
            if m["metadata"]["name"] == "object-store" and m["kind"] in WORKLOADS
        ]
        spec = workload["spec"]["template"]["spec"]
        container = {
            "name": "image",
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["/nothing"],
            "securityContext": spec["containers"][0]["securityContext"],
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": self.cluster.namespace},
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "securityContext": spec["securityContext"],
                "containers": [container],
            },
        }

    def _state(self, pod: str) -> str:
        """Why a pod's container does not run; nothing yet while it is being made."""
        status = self.cluster.get("pod", pod)["status"]
        [state] = [each["state"] for each in status.get("containerStatuses", [])] or [{}]
        found: str = next(iter(state.values()), {}).get("reason", "")
        return "" if found == "ContainerCreating" else found

    def _up(self, name: str) -> bool:
        pods = self.cluster.pods(name)
        for pod in pods:
            for status in pod["status"].get("containerStatuses", []):
                if status["state"].get("waiting", {}).get("reason") in NOT_PULLED:
                    self.missing[name] = status["image"]
        found = self.cluster.get(self.workloads[name], name)
        wanted, status = found["spec"]["replicas"], found["status"]
        return (
            len(pods) == wanted == status.get("readyReplicas", 0) == status.get("updatedReplicas")
        )


def wait_until(open_points: Callable[[], object], seconds: float) -> None:
    """Wait until nothing is open any more; at the end say what still is."""
    deadline = time.monotonic() + seconds
    while found := open_points():
        assert time.monotonic() < deadline, f"after {seconds} s: {found}"
        time.sleep(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A namespace of the cluster that the environment names."""
    kubeconfig = os.environ.get("SLIPWAY_TEST_KUBECONFIG")
    if not kubeconfig:
        pytest.skip("SLIPWAY_TEST_KUBECONFIG names no cluster with a real node")
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on PATH")
    kept = os.environ.get("SLIPWAY_TEST_NAMESPACE")
    found = Cluster(kubeconfig, kept or f"slipway-node-{secrets.token_hex(3)}")
    yield found
    if not kept:
        found("delete", "namespace", found.namespace, "--ignore-not-found", "--timeout=240s")


@pytest.fixture(scope="session")
def on_node(cluster: Cluster) -> OnNode:
    """The platform, every pod of it ready whose image the node can have."""
    settings = Settings(target=Existing(context="unused", namespace=cluster.namespace))
    platform = describe(settings)
    texts = {name: secrets.token_hex(20) for name in sorted(platform.secrets)}
    place = RenderContext(namespace=cluster.namespace, instance="node-test")
    services = list(platform.services)
    manifests = objects.of_platform(services, place, texts, platform.steps)
    standing = OnNode(cluster, settings, texts, [*objects.of_cluster(), *manifests])
    standing.stand()
    return standing


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], object], float], None]:
    """`wait_until`, for tests."""
    return wait_until
