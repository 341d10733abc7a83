"""kube-state-metrics itself, with the rights it is given here and no other, before an API server.

Its program is taken from PATH; without it the test is skipped, by this name.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import yaml

from infra.service import Service, render
from infra.services import cluster_state
from infra.settings.reading import parse
from infra.targets.kubernetes import access
from infra.targets.kubernetes.render_context import RenderContext
from monitoring.cluster import STATES

pytestmark = [pytest.mark.cluster]

PLACE = RenderContext(namespace="watched", instance="test")
TENANT = "watched-a"
SETTINGS = {
    "target": {"kind": "existing", "context": "c", "namespace": "watched"},
    "tenants": [{"name": "a"}],
}


def service() -> Service:
    [found] = cluster_state.services(parse(SETTINGS, source="S"))
    return found


def rights(described: Service) -> Iterator[dict]:
    """Its account, and its Roles in both namespaces."""
    yield access.service_account(described, PLACE)
    for namespace, given in (("watched", described.rights), (TENANT, described.tenant_rights)):
        there = replace(PLACE, namespace=namespace)
        yield access.role(replace(described, rights=given), there)
        binding = access.role_binding(replace(described, rights=given), there)
        binding["subjects"][0]["namespace"] = "watched"
        yield binding


def of(kind: str, namespace: str, api_version: str = "v1", **fields: object) -> dict:
    metadata = {"name": "example", "namespace": namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def looked_at(namespace: str) -> Iterator[dict]:
    """One object of each kind that it is asked of."""
    container = {"name": "c", "image": "i:1", "resources": {"requests": {"cpu": "1m"}}}
    labels = {"app": "example"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    workload = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    yield of("ResourceQuota", namespace, spec={"hard": {"pods": "9"}})
    yield of("ServiceAccount", namespace) | {
        "metadata": {"name": "default", "namespace": namespace}
    }
    yield of("Pod", namespace, spec={"containers": [container]})
    yield of("Deployment", namespace, "apps/v1", spec=workload)
    yield of("StatefulSet", namespace, "apps/v1", spec=workload | {"serviceName": "example"})


def give_states(api_server) -> None:
    """What a kubelet and controllers would say of the objects."""
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    state = {
        "name": "c",
        "image": "i:1",
        "imageID": "",
        "ready": False,
        "restartCount": 3,
        "state": ended,
        "lastState": ended,
    }
    pod = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [state],
    }
    patches = {
        ("v1", "pods"): pod,
        ("v1", "resourcequotas"): {"hard": {"pods": "9"}, "used": {"pods": "1"}},
    }
    for (version, plural), status in patches.items():
        for namespace in ("watched", TENANT):
            answer = api_server.http.patch(
                f"/api/{version}/namespaces/{namespace}/{plural}/example/status",
                json={"status": status},
                headers={"Content-Type": "application/merge-patch+json"},
            )
            assert answer.is_success, answer.text


def kubeconfig(api_server, account: str, folder: Path) -> Path:
    """The way to the server of one account of ours."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = f"/api/v1/namespaces/watched/serviceaccounts/{account}/token"
    token = api_server.http.post(path, json=asked).json()["status"]["token"]
    cluster = {"server": str(api_server.http.base_url), "insecure-skip-tls-verify": True}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(document))
    return folder / "kubeconfig"


@contextmanager
def started(
    program: str, described: Service, config: Path, ports: dict[str, int]
) -> Iterator[Path]:
    """The service's own command, on ports of this machine."""
    fill = {"host": lambda _: "127.0.0.1", "port": lambda name: str(ports[name])}
    words = [render(word, lambda kind, what: fill[kind](what)) for word in described.command[1:]]
    log = config.parent / "kube-state-metrics.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [program, *words, f"--kubeconfig={config}"], stdout=output, stderr=output
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(30)


def exported(port: int, wanted: set[str]) -> str:
    """What it exports, once all that is wanted is there."""
    deadline = time.monotonic() + 60
    text = ""
    while time.monotonic() < deadline:
        try:
            text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        except httpx.HTTPError:
            text = ""
        if wanted <= set(re.findall(r"^(\w+)\{", text, re.MULTILINE)):
            return text
        time.sleep(0.2)
    return text


def test_it_exports_all_that_is_asked_for_with_no_more_than_its_roles(
    api_server, free_ports, tmp_path: Path
) -> None:
    """Each metric of the list is there for both namespaces, and nothing was refused."""
    program = shutil.which("kube-state-metrics")
    if not program:
        pytest.skip("kube-state-metrics is not on PATH")
    described = service()
    for namespace in ("watched", TENANT):
        metadata = {"name": namespace}
        api_server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        for manifest in looked_at(namespace):
            answer = api_server.apply(manifest)
            assert answer.is_success, answer.text
    for manifest in rights(described):
        assert api_server.apply(manifest).is_success
    give_states(api_server)
    http, metrics = free_ports(2)
    ports = {"http": http, "metrics": metrics}

    config = kubeconfig(api_server, described.name, tmp_path)
    with started(program, described, config, ports) as log:
        text = exported(http, set(STATES))

    for namespace in ("watched", TENANT):
        seen = set(re.findall(rf'^(\w+)\{{[^}}]*namespace="{namespace}"', text, re.MULTILINE))
        assert seen == set(STATES)
    assert "forbidden" not in log.read_text()
