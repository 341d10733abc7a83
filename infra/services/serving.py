"""The model server: this project's own `serving`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from infra import versions
from infra.service import (
    Data,
    Health,
    Metrics,
    Resources,
    Scaling,
    Service,
    address,
    config,
    data,
    url,
)
from infra.services import registry, tracking

if TYPE_CHECKING:
    from infra.settings import Settings

NAME = "serving"
_CONFIG = "serving.json"


def services(settings: Settings) -> list[Service]:
    """One server that follows an alias; it is healthy with no model yet, but not ready."""
    return [
        Service(
            name=NAME,
            command=("python", "-m", "serving", "--config", config(_CONFIG)),
            image=versions.IMAGES["slipway"],
            distribution="slipway",
            files={_CONFIG: _configuration(settings)},
            data=Data(gib=2),
            health=Health(path="/v2/health/live"),
            metrics=Metrics(),
            resources=Resources(cpu=100, memory=256, memory_limit=1024),
            scaling=Scaling(least=1, most=4),
            talks_to=(tracking.NAME, registry.NAME),
            ui="/v2",
            role="serving",
        )
    ]


def _configuration(settings: Settings) -> str:
    serving = settings.serving
    return json.dumps(
        {
            "host": "@{host:}",
            "port": "@{port:http}",
            "tracking_url": url(tracking.NAME),
            "registry": address(registry.NAME),
            "model": serving.model,
            "slots": {"champion": serving.alias},
            "cache_dir": data(),
            "poll_seconds": serving.poll_seconds,
            "workers": serving.workers,
            "limits": {"max_body_bytes": serving.max_body_bytes, "max_rows": serving.max_rows},
        },
        indent=1,
    ).replace('"@{port:http}"', "@{port:http}")
