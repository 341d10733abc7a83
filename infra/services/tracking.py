"""Experiment tracking and the model registry: MLflow's server.

Its ASGI application under one uvicorn worker, not `mlflow server`: that starts two
processes which both import everything (24 s and 620 MB against 12 s and 305 MB).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contracts import mlflow_api
from infra import versions
from infra.service import Data, Health, Resources, Service, config, data, host, port, secret
from infra.services import database, object_store

if TYPE_CHECKING:
    from infra.settings.tree import Settings

NAME = "tracking"
_CLIENT = "client.cnf"


def services(settings: Settings) -> list[Service]:
    """One server; runs in a database, artifacts in the object store, through the server."""
    return [_on_kubernetes(settings) if settings.cluster else _on_this_machine(settings)]


def _on_this_machine(settings: Settings) -> Service:
    return replace(
        _server(settings),
        environment=_environment(settings, f"sqlite:///{data('mlflow.db')}"),
        data=Data(gib=5),
        talks_to=object_store.store(settings).talks_to,
    )


def _on_kubernetes(settings: Settings) -> Service:
    there = database.connection(settings, database.TRACKING)
    store = object_store.store(settings)
    # The driver reads user and password from a file, which needs no quoting as a URL does.
    uri = (
        f"mysql+pymysql://{there.host}:{there.port}/{there.database}"
        f"?read_default_file={config(_CLIENT)}"
    )
    return replace(
        _server(settings),
        environment=_environment(settings, uri)
        # Clients come by any name that the cluster and its gateway have for it; who may come
        # at all is the network policies' to say.
        | {"MLFLOW_SERVER_ALLOWED_HOSTS": "*"}
        | _own_page(settings),
        files={_CLIENT: f"[client]\nuser={there.user}\npassword={secret(there.password)}\n"},
        talks_to=(*store.talks_to, *there.talks_to),
        egress_ports=(*store.egress_ports, *there.egress_ports),
        step_ports=("http",),
    )


def _server(settings: Settings) -> Service:
    return Service(
        name=NAME,
        command=(
            *("python", "-m", "uvicorn", "mlflow.server.fastapi_app:app"),
            *("--host", host(), "--port", port(), "--log-level", "warning"),
        ),
        image=versions.IMAGES["slipway"],
        distribution="mlflow",
        health=Health(path="/health", seconds=120 if settings.cluster is None else 300),
        resources=Resources(cpu=50, memory=400, memory_limit=1024),
        ui="/",
        role="tracking",
    )


def _environment(settings: Settings, database_uri: str) -> dict[str, str]:
    store = object_store.store(settings)
    return object_store.client_environment(settings) | {
        "MLFLOW_S3_ENDPOINT_URL": store.endpoint,
        "_MLFLOW_SERVER_FILE_STORE": database_uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": database_uri,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": mlflow_api.PROXIED,
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"s3://{store.bucket(object_store.ARTIFACTS)}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _own_page(settings: Settings) -> dict[str, str]:
    """What its page may do where the gateway shows it; MLflow knows none but this machine's."""
    gateway = settings.cluster.gateway if settings.cluster else None
    if gateway is None:
        return {}
    scheme = "https" if gateway.cluster_issuer else "http"
    return {"MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": f"{scheme}://{NAME}.{gateway.hostname}"}
