"""The OCI registry, for models now and for pipelines and images later: CNCF distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from infra import versions
from infra.service import Data, Health, Metrics, Resources, Service, config, data, host, port

if TYPE_CHECKING:
    from infra.settings.tree import Settings

NAME = "registry"


def services(_settings: Settings) -> list[Service]:
    """One registry over a folder."""
    return [
        Service(
            name=NAME,
            command=("registry", "serve", config("config.yml")),
            image=versions.IMAGES["registry"],
            ports=("http", "metrics"),
            files={"config.yml": _configuration()},
            environment={"OTEL_TRACES_EXPORTER": "none"},
            data=Data(gib=20),
            health=Health(path="/v2/"),
            metrics=Metrics(port="metrics"),
            resources=Resources(cpu=10, memory=48, memory_limit=256),
            step_ports=("http",),
        )
    ]


def _configuration() -> str:
    return yaml.safe_dump(
        {
            "version": 0.1,
            "log": {"level": "warn", "formatter": "json", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": data()},
                "delete": {"enabled": True},
            },
            "http": {
                "addr": f"{host()}:{port()}",
                "debug": {
                    "addr": f"{host()}:{port('metrics')}",
                    "prometheus": {"enabled": True, "path": "/metrics"},
                },
            },
        },
        sort_keys=False,
    )
