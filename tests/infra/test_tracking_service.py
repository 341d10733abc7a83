"""The tracking server's own rules, as its settings reach it."""

from fnmatch import fnmatch

import pytest

from infra.service import Service
from infra.services import tracking
from infra.settings import parse
from infra.targets.kubernetes.place import Place

GATEWAY = {"class_name": "any", "hostname": "mlops.example.org", "cluster_issuer": "any"}


def on_kubernetes(**target: dict) -> dict[str, str]:
    """Its environment in the namespace `slipway`."""
    values = {"target": {"kind": "existing", "context": "any", **target}}
    [service] = tracking.services(parse(values, source="S"))
    place = Place(namespace="slipway", instance="test")
    return {name: _text(place, service, name) for name in service.environment}


def _text(place: Place, service: Service, name: str) -> str:
    return place.text(service, service.environment[name], dict.fromkeys(service.secrets, "hidden"))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("tracking.slipway.svc:8080", True),
        ("localhost:39871", True),
        ("127.0.0.1:39871", True),
        ("tracking.mlops.example.org", True),
        ("tracking.slipway.svc.example.org:8080", False),
        ("mlops.example.org", False),
    ],
)
def test_it_answers_to_its_own_names_only(host: str, allowed: bool) -> None:  # noqa: FBT001
    """Its Service, a forwarded port and its page at the gateway, matched as MLflow does."""
    patterns = on_kubernetes(gateway=GATEWAY)["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")

    assert any(fnmatch(host, pattern) for pattern in patterns) is allowed


def test_its_page_may_write_where_the_gateway_shows_it() -> None:
    """A browser says where a page comes from; MLflow lets that one do more than read."""
    name = "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"

    assert on_kubernetes(gateway=GATEWAY)[name] == "https://tracking.mlops.example.org"
    assert name not in on_kubernetes()
