"""A stack on a real kind cluster, looked at by testinfra; off unless it is asked for by name.

`SLIPWAY_TEST_KIND=1 pytest tests/kind` after `slipway up --stack kind`.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import testinfra

from infra.home import Home
from slipway.stack import workspace
from slipway.stack.running import Running

STACK = "kind"


@pytest.fixture(scope="session")
def running() -> Running:
    """The stack that is up on kind."""
    if not os.environ.get("SLIPWAY_TEST_KIND"):
        pytest.skip("SLIPWAY_TEST_KIND is not set: these tests need `slipway up --stack kind`")
    return Running.of(workspace.outputs(Home.of_environment(), STACK), STACK)


@pytest.fixture(scope="session")
def kubeconfig(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cluster's kubeconfig as a file, for as long as the tests run."""
    path = tmp_path_factory.mktemp("kind") / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(running.cluster["kubeconfig"])
    yield path
    path.unlink()


@pytest.fixture(scope="session")
def inside(running: Running, kubeconfig: Path):
    """Opens the running pod of a service for testinfra."""
    from slipway.operations.cluster.status import pods_of  # noqa: PLC0415 - only once a stack is up

    namespace, context = running.cluster["namespace"], running.cluster["context"]

    def host(service: str) -> testinfra.host.Host:
        pod = pods_of(running, service)[0]["metadata"]["name"]
        options = f"namespace={namespace}&context={context}&kubeconfig={kubeconfig}"
        return testinfra.get_host(f"kubectl://{pod}?{options}")

    return host


@pytest.fixture(scope="session")
def node(running: Running):
    """The control plane's node, a Docker container, for testinfra."""
    name = running.cluster["context"].removeprefix("kind-")
    return testinfra.get_host(f"docker://{name}-control-plane")


@pytest.fixture(scope="session")
def specs(running: Running) -> dict[str, dict]:
    """What the API server says of each service's youngest pod."""
    from slipway.operations.cluster.status import pods_of  # noqa: PLC0415 - as above

    return {
        name: found[0]["spec"] for name in running.services if (found := pods_of(running, name))
    }
