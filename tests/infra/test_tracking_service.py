"""The tracking server's page where a gateway shows it."""

from infra.services import tracking
from infra.settings.reading import parse

GATEWAY = {"class_name": "any", "hostname": "mlops.example.org"}
ORIGINS = "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"


def on_kubernetes(**target: dict) -> dict[str, str]:
    """Its environment."""
    values = {"target": {"kind": "existing", "context": "any", **target}}
    [service] = tracking.services(parse(values, source="S"))
    return dict(service.environment)


def test_its_page_may_write_where_the_gateway_shows_it() -> None:
    """A browser says where a page comes from; MLflow lets only those it knows do more than read."""
    by_tls = GATEWAY | {"cluster_issuer": "any"}

    assert on_kubernetes(gateway=GATEWAY)[ORIGINS] == "http://tracking.mlops.example.org"
    assert on_kubernetes(gateway=by_tls)[ORIGINS] == "https://tracking.mlops.example.org"
    assert ORIGINS not in on_kubernetes()
