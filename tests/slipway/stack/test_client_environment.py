"""What a shell finds of a stack that is up."""

from types import SimpleNamespace

import pytest

from infra.home import Home
from infra.settings.tree import Settings
from slipway.exits import NotUpError
from slipway.stack import client_environment
from slipway.stack.client_environment import of_gateway, of_processes
from slipway.stack.running import Running

SERVICES = {
    name: {"url": f"http://127.0.0.1:{port}"}
    for name, port in {"tracking": 1, "object-store": 2, "registry": 3}.items()
}
SECRETS = {
    "object-store-access-key": "who",
    "object-store-secret-key": "it's",
    "signing-key": "PRIVATE",
}


@pytest.fixture
def lines(monkeypatch, tmp_path):
    """A function that gives the lines of a stack which is that, or raises that."""

    def go(found, of=of_processes, settings=None) -> list[str]:
        def of_stack(*_: object) -> Running:
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(client_environment, "of_stack", of_stack)
        return of(Home(tmp_path, tmp_path), "local", settings or Settings())

    return go


def test_clients_find_mlflow_the_store_the_lake_and_the_registry(lines) -> None:
    """And not the key that models are signed with; what overrules ours is unset."""
    assert lines(Running(SERVICES, SECRETS)) == [
        "unset AWS_SESSION_TOKEN AWS_ENDPOINT_URL_S3",
        "export AWS_ACCESS_KEY_ID=who",
        "export AWS_ALLOW_HTTP=true",
        "export AWS_DEFAULT_REGION=us-east-1",
        "export AWS_ENDPOINT_URL=http://127.0.0.1:2",
        "export AWS_REGION=us-east-1",
        "export AWS_SECRET_ACCESS_KEY='it'\"'\"'s'",
        "export MLFLOW_TRACKING_URI=http://127.0.0.1:1",
        "export SLIPWAY_LAKE=s3://lake",
        "export SLIPWAY_REGISTRY=http://127.0.0.1:3",
    ]


@pytest.mark.parametrize("away", [NotUpError("not up"), FileNotFoundError("pulumi")])
def test_a_stack_that_is_not_up_has_nothing_for_clients(lines, away) -> None:
    """Nor does it keep a shell from its tools."""
    assert lines(away) == []
    assert lines(away, of_gateway) == []


@pytest.mark.parametrize(
    ("gateway", "line"),
    [
        (
            SimpleNamespace(hostname="ml.example", cluster_issuer="x"),
            "export MLFLOW_TRACKING_URI=https://tracking.ml.example",
        ),
        (
            SimpleNamespace(hostname="ml.example", cluster_issuer=""),
            "export MLFLOW_TRACKING_URI=http://tracking.ml.example",
        ),
        (None, "# stack local has no gateway: `kubectl port-forward` leads to its services"),
    ],
)
def test_of_a_cluster_only_what_can_be_reached_is_named(lines, gateway, line) -> None:
    """Names that only pods can resolve are of no use here."""
    settings = SimpleNamespace(cluster=SimpleNamespace(gateway=gateway))
    running = Running(SERVICES, SECRETS, {"context": "c"})
    assert lines(running, of_gateway, settings) == [line]
