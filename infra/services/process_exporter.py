"""Metrics of the services that export none, where services are processes of one machine.

Prometheus asks the exporter about each of them by a path of its own, as if it were the service:
whether it answers, and what its processes take. On Kubernetes the kubelets tell that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from infra import versions
from infra.service import Health, Metrics, Resources, Service, address, config, host, port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.settings.tree import Settings

NAME = "process-exporter"
_WATCHED = "watched.json"


def services(settings: Settings, others: Sequence[Service]) -> list[Service]:
    """One, for those of `others` that have no metrics of their own; none on a cluster."""
    if settings.cluster:
        return []
    silent = [service for service in others if not service.metrics]
    return [
        Service(
            name=NAME,
            command=(
                *("python", "-m", "infra.targets.processes.exporter"),
                *(f"{host()}:{port()}", config(_WATCHED)),
            ),
            image=versions.IMAGES["slipway"],
            distribution="slipway",
            files={_WATCHED: json.dumps({each.name: _check(each) for each in silent}, indent=1)},
            health=Health(path="/metrics"),
            metrics=Metrics(),
            resources=Resources(cpu=10, memory=48, memory_limit=128),
            talks_to=tuple(service.name for service in silent),
            role="monitoring",
        )
    ]


def path_of(service: str) -> str:
    """Where the exporter tells of a service."""
    return f"/services/{service}"


def _check(service: Service) -> dict[str, str]:
    where = address(service.name, service.health.port or service.ports[0])
    return {"address": where, "path": service.health.path or ""}
