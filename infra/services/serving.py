"""The model server: this project's own `serving`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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
    host,
    port,
    secret,
    sha256,
    url,
)
from infra.services import object_store, registry, tracking
from infra.settings.serving import MIB
from infra.wiring import signing

if TYPE_CHECKING:
    from infra.services.object_store import Store
    from infra.settings.tree import Settings

NAME = "serving"
HTTP, GRPC = "http", "grpc"
_CONFIG = "serving.json"
# A cluster goes on sending for a moment after it has asked a pod to end.
_NOTICE_SECONDS = 3
# After that requests in flight have eight seconds, then the journal goes to its tables.
_STOP_SECONDS = 20


def services(settings: Settings) -> list[Service]:
    """One server that follows its slots' aliases; it is healthy with no model yet, not ready."""
    serving = settings.serving
    store = object_store.store(settings) if serving.log.enabled else None
    return [
        Service(
            name=NAME,
            command=("python", "-m", "serving", "--config", config(_CONFIG)),
            image=versions.IMAGES["slipway"],
            distribution="slipway",
            ports=(HTTP, GRPC) if serving.grpc else (HTTP,),
            environment=object_store.client_environment(settings) if store else {},
            files={_CONFIG: _file(settings)},
            data=Data(gib=2),
            health=Health(path="/v2/health/live"),
            metrics=Metrics(),
            resources=Resources(cpu=100, memory=384, memory_limit=1536),
            scaling=Scaling(min=1, max=4),
            talks_to=(tracking.NAME, registry.NAME, *(store.talks_to if store else ())),
            egress_ports=store.egress_ports if store else (),
            ui="/v2",
            role="serving",
            stop_seconds=_STOP_SECONDS,
        )
    ]


def api_key(caller: str) -> str:
    """The name of the secret that a caller's key is."""
    return f"api-key-{caller}"


def key_hash(caller: str) -> str:
    """The name of the secret that is the hash of a caller's key, which is nowhere of ours."""
    return f"caller-{caller}-sha256"


def key_hashes(settings: Settings) -> dict[str, str]:
    """Secrets that are not generated: hashes of keys that were made elsewhere.

    They are not to be reversed, but nobody's business either: as secrets they are in no ConfigMap.
    """
    return {key_hash(name): text for name, text in settings.serving.api_key_hashes.items()}


def log_url(settings: Settings, store: Store) -> str:
    """The folder of the tables `predictions` and `feedback`."""
    return f"s3://{store.bucket(object_store.LAKE)}/serving/{settings.serving.model}"


def _file(settings: Settings) -> str:
    """The server's configuration as JSON, in which placeholders of ports become numbers."""
    members = {name: json.dumps(value) for name, value in _configuration(settings).items()}
    members |= {"port": port(HTTP)} | ({"grpc_port": port(GRPC)} if settings.serving.grpc else {})
    return "{\n" + ",\n".join(f' "{name}": {text}' for name, text in members.items()) + "\n}"


def _configuration(settings: Settings) -> dict[str, Any]:
    serving = settings.serving
    return {
        "host": host(),
        "tracking_url": url(tracking.NAME),
        "registry": address(registry.NAME),
        "model": serving.model,
        "slots": serving.slots.model_dump(),
        "public_key": signing.trusted(settings),
        "cache_dir": data(),
        "poll_seconds": serving.poll_seconds,
        "workers": serving.workers,
        "limits": {
            "max_body_bytes": serving.max_body_bytes,
            "max_rows": serving.max_rows,
            "max_seconds": serving.max_seconds,
            "max_concurrency": serving.max_concurrency,
        },
        "explanations": {"max_scored": serving.max_explained},
        "log": _log(settings),
        "log_requests": serving.log_requests,
        "notice_seconds": _NOTICE_SECONDS if settings.cluster else 0,
        "api_keys": _api_keys(settings),
    }


def _api_keys(settings: Settings) -> list[dict[str, str]]:
    generated = {name: sha256(api_key(name)) for name in settings.serving.api_keys}
    external = {name: secret(key_hash(name)) for name in settings.serving.api_key_hashes}
    return [{"name": name, "sha256": text} for name, text in (generated | external).items()]


def _log(settings: Settings) -> dict[str, Any] | None:
    log = settings.serving.log
    if not log.enabled:
        return None
    return {
        "url": log_url(settings, object_store.store(settings)),
        "journal_bytes": log.journal_mib * MIB,
        "flush_seconds": log.flush_seconds,
    }
