"""A kubeconfig to a real API server: the ways in, the ways that fail, and the service proxy."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from infra.errors import ClusterError
from slipway.stack.cluster_access import ClusterAccess

pytestmark = [pytest.mark.cluster]


@pytest.fixture
def kubeconfig(api_server, tmp_path: Path) -> Callable[..., str]:
    """Writes a kubeconfig whose one context is `home`, with this user in it."""

    def write(user: dict | None = None, server: str | None = None) -> str:
        header = api_server.http.headers["Authorization"]
        user = user or {"token": header.removeprefix("Bearer ")}
        cluster = {
            "server": server or str(api_server.http.base_url),
            "insecure-skip-tls-verify": True,
        }
        path = tmp_path / "kubeconfig"
        path.write_text(
            yaml.safe_dump(
                {
                    "clusters": [{"name": "c", "cluster": cluster}],
                    "users": [{"name": "u", "user": user}],
                    "contexts": [{"name": "home", "context": {"cluster": "c", "user": "u"}}],
                }
            )
        )
        return str(path)

    return write


def test_a_path_and_its_text_lead_to_the_same_cluster(kubeconfig) -> None:
    """A stack keeps kind's kubeconfig as a text; everybody else has a file."""
    path = kubeconfig()

    versions = [
        ClusterAccess.of(given, "home").get("/version")["gitVersion"]
        for given in (path, Path(path).read_text())
    ]

    assert versions[0] == versions[1]
    assert versions[0].startswith("v1.")


def test_an_exec_plugin_s_token_is_used(api_server, kubeconfig, tmp_path: Path) -> None:
    """Clouds hand out tokens by a program, which is run."""
    token = api_server.http.headers["Authorization"].removeprefix("Bearer ")
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token},
    }
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(credential)}'\n")
    plugin.chmod(0o700)
    user = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)},
    }

    found = ClusterAccess.of(kubeconfig(user), "home").get("/version")

    assert found["major"] == "1"


def test_an_exec_plugin_that_fails_is_one_line(kubeconfig) -> None:
    """Its own words, and whose credentials they would have been."""
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh",
            "args": ["-c", "echo sign in first >&2; exit 3"],
        }
    }

    with pytest.raises(ClusterError, match=r"context home cannot be had: .*sign in first") as told:
        ClusterAccess.of(kubeconfig(user), "home")
    assert "\n" not in str(told.value)


def test_a_wrong_token_is_refused_in_one_line(kubeconfig) -> None:
    """401 is about who asks, and says so."""
    access = ClusterAccess.of(kubeconfig({"token": "stale"}), "home")

    with pytest.raises(ClusterError, match=r"context home refuses its credentials \(401\)"):
        access.get("/api/v1/namespaces")


def test_a_closed_port_is_one_line(kubeconfig) -> None:
    """Where it was looked for, and what to do."""
    access = ClusterAccess.of(kubeconfig(server="https://127.0.0.1:1"), "home")

    with pytest.raises(ClusterError, match=r"does not answer at https://127.0.0.1:1 .*start it"):
        access.get("/version")


def test_a_service_is_asked_through_the_api_server(kubeconfig) -> None:
    """The proxy's own answer for a Service that is not there names it."""
    access = ClusterAccess.of(kubeconfig(), "home")

    with access.service("default", "nobody", 8080) as client:
        answer = client.get("healthz")

    assert (
        answer.request.url.path == "/api/v1/namespaces/default/services/nobody:8080/proxy/healthz"
    )
    assert answer.status_code == 404
    assert 'services "nobody" not found' in answer.json()["message"]


def test_a_refused_path_says_why(kubeconfig) -> None:
    """The server's own reason, with the path."""
    access = ClusterAccess.of(kubeconfig(), "home")

    with pytest.raises(ClusterError, match=r"/api/v1/namespaces/nowhere answers 404: .*not found"):
        access.get("/api/v1/namespaces/nowhere")
