"""Experiment tracking and the model registry: MLflow's server.

Its ASGI application under one uvicorn worker, not `mlflow server`: that starts two
processes which both import everything (24 s and 620 MB against 12 s and 305 MB).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra import versions
from infra.service import Data, Health, Resources, Service, address, data, host, port, url
from infra.services import object_store
from infra.target_settings import OnKubernetes

if TYPE_CHECKING:
    from infra.settings import Settings

NAME = "tracking"


def services(settings: Settings) -> list[Service]:
    """One server; runs in SQLite, artifacts in the object store, through the server."""
    return [
        Service(
            name=NAME,
            command=(
                *("python", "-m", "uvicorn", "mlflow.server.fastapi_app:app"),
                *("--host", host(), "--port", port(), "--log-level", "warning"),
            ),
            image=versions.IMAGES["slipway"],
            distribution="mlflow",
            environment=_environment() | _callers(settings),
            data=Data(gib=5),
            health=Health(path="/health", seconds=120),
            resources=Resources(cpu=100, memory=400, memory_limit=1024),
            talks_to=(object_store.NAME,),
            ui="/",
            role="tracking",
        )
    ]


def _environment() -> dict[str, str]:
    return object_store.client_environment(url(object_store.NAME)) | {
        "MLFLOW_S3_ENDPOINT_URL": url(object_store.NAME),
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{data('mlflow.db')}",
        "_MLFLOW_SERVER_REGISTRY_STORE": f"sqlite:///{data('mlflow.db')}",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"s3://{object_store.ARTIFACTS}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _callers(settings: Settings) -> dict[str, str]:
    """The names that it may be called by: MLflow refuses every other, for fear of rebound DNS.

    Its own default knows this machine and private addresses, but no Service's name.
    """
    names = [address(NAME), *(f"{local}:*" for local in ("localhost", "127.0.0.1"))]
    target = settings.target
    if not isinstance(target, OnKubernetes) or target.gateway is None:
        return {"MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(names)}
    outside = f"{NAME}.{target.gateway.hostname}"
    scheme = "https" if target.gateway.cluster_issuer else "http"
    return {
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join([*names, outside]),
        # Its page is at home there, too.
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": f"{scheme}://{outside}",
    }
