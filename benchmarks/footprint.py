"""What the platform on Kubernetes requests, by the settings it ships with; nothing is started."""

from __future__ import annotations

from dataclasses import dataclass

from infra.description import describe
from infra.settings.tree import parse


@dataclass(frozen=True)
class Requests:
    """CPU in millicores and memory in MiB that a service's pods request at the least."""

    service: str
    role: str
    cpu: int
    memory: int


def measure() -> list[Requests]:
    """The requests of each service of a stack with everything in it, Grafana included."""
    settings = parse({"target": {"kind": "existing", "context": "any"}}, source="footprint")
    return [
        Requests(
            service.name,
            service.role,
            service.resources.cpu * service.scaling.least,
            service.resources.memory * service.scaling.least,
        )
        for service in describe(settings).services
    ]
