"""The whole platform on Kubernetes stays small, whatever is added to it."""

from infra.description import describe
from infra.settings.reading import parse

CPU, MEMORY = 600, 2048


def test_the_platform_requests_less_than_its_goal() -> None:
    """With its own database, object store, pipelines, logs and Grafana."""
    settings = parse({"target": {"kind": "existing", "context": "any"}}, source="S")
    services = describe(settings).services

    cpu = sum(service.resources.cpu * service.scaling.min for service in services)
    memory = sum(service.resources.memory * service.scaling.min for service in services)

    assert "grafana" in {service.name for service in services}
    assert cpu < CPU
    assert memory < MEMORY
