"""The object store: versitygw, S3's interface over a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra import versions
from infra.service import Data, Health, Resources, Service, data, host, port, secret

if TYPE_CHECKING:
    from infra.settings import Settings

NAME = "object-store"
REGION = "us-east-1"
ACCESS_KEY, SECRET_KEY = "object-store-access-key", "object-store-secret-key"
LAKE, ARTIFACTS = "lake", "mlflow"


def services(_settings: Settings) -> list[Service]:
    """One gateway; its buckets are folders that are there before it starts."""
    listen = f"{host()}:{port()}"
    return [
        Service(
            name=NAME,
            command=("versitygw", "--port", listen, "--health", "/health", "posix", data()),
            image=versions.IMAGES["versitygw"],
            environment={
                "ROOT_ACCESS_KEY": secret(ACCESS_KEY),
                "ROOT_SECRET_KEY": secret(SECRET_KEY),
                "VGW_REGION": REGION,
            },
            data=Data(gib=20, folders=(LAKE, ARTIFACTS)),
            health=Health(path="/health"),
            resources=Resources(cpu=20, memory=64, memory_limit=256),
        )
    ]


def client_environment(endpoint: str) -> dict[str, str]:
    """What an S3 client of a service needs, by the names that all of them read."""
    return {
        "AWS_ACCESS_KEY_ID": secret(ACCESS_KEY),
        "AWS_SECRET_ACCESS_KEY": secret(SECRET_KEY),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
    }
