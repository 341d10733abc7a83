"""Logs on Kubernetes: Loki keeps them, Alloy collects them by the API server.

Files of nodes, which other collectors read, are out of reach under Pod Security *restricted*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra import versions
from infra.service import (
    Data,
    Health,
    Metrics,
    PolicyRule,
    Resources,
    Service,
    config,
    data,
    host,
    port,
    url,
)
from infra.wiring import monitoring_inputs
from monitoring import log_collection, loki

if TYPE_CHECKING:
    from infra.settings.tree import Settings

LOKI, COLLECTOR = "loki", "log-collector"
_LOKI_FILE, _COLLECTOR_FILE = "loki.yml", "config.alloy"
_READ_LOGS = (
    PolicyRule(("",), ("pods",), ("get", "list", "watch")),
    PolicyRule(("",), ("pods/log",), ("get",)),
)


def services(settings: Settings) -> list[Service]:
    """Both on Kubernetes; processes write files, and `slipway logs` reads them."""
    cluster = monitoring_inputs.cluster(settings)
    if not cluster:
        return []
    return [_loki(settings.monitoring.log_retention), _collector(cluster.namespaces)]


def _loki(retention: str) -> Service:
    return Service(
        name=LOKI,
        command=(
            "loki",
            f"-config.file={config(_LOKI_FILE)}",
            f"-server.http-listen-address={host()}",
            f"-server.http-listen-port={port()}",
        ),
        image=versions.IMAGES["loki"],
        files={_LOKI_FILE: loki.configuration(data(), retention)},
        data=Data(gib=10),
        # It is not ready in its first 15 seconds, by its own choice.
        health=Health(path="/ready", seconds=120),
        metrics=Metrics(),
        resources=Resources(cpu=10, memory=96, memory_limit=512),
        role="monitoring",
        stop_seconds=30,
    )


def _collector(namespaces: tuple[str, ...]) -> Service:
    return Service(
        name=COLLECTOR,
        command=(
            *("alloy", "run", config(_COLLECTOR_FILE)),
            f"--server.http.listen-addr={host()}:{port()}",
            # How far each pod was read is forgotten with its own pod: Loki stores a line that
            # comes twice once.
            "--disable-reporting",
        ),
        image=versions.IMAGES["alloy"],
        files={_COLLECTOR_FILE: log_collection.configuration(namespaces, url(LOKI))},
        health=Health(path="/-/ready"),
        metrics=Metrics(),
        resources=Resources(cpu=20, memory=112, memory_limit=512),
        talks_to=(LOKI,),
        rights=_READ_LOGS,
        tenant_rights=_READ_LOGS,
        singleton=True,
        role="monitoring",
    )
