"""The object store: versitygw, S3's interface over a folder; or a cloud's, by its address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from infra import versions
from infra.service import (
    Data,
    Health,
    Resources,
    Service,
    config,
    data,
    host,
    hostname,
    port,
    port_of,
    secret,
    url,
)
from infra.settings.target import S3, BuiltinObjectStore, Gcs

if TYPE_CHECKING:
    from infra.settings.tree import Settings

NAME = "object-store"
ACCESS_KEY, SECRET_KEY = "object-store-access-key", "object-store-secret-key"
LAKE, ARTIFACTS, PIPELINES = "lake", "mlflow", "mlpipeline"
_REGION: Final = "us-east-1"
_GOOGLE: Final = "https://storage.googleapis.com"
_GIB: Final = 20
_ACCOUNTS: Final = "iam"


@dataclass(frozen=True)
class Store:
    """How the object store is reached, by `ACCESS_KEY` and `SECRET_KEY`.

    `endpoint` is its URL, `hostname` and `port` the parts of it; `talks_to` and
    `egress_ports` are what a client's Service says of it.
    """

    endpoint: str
    hostname: str
    port: str
    region: str
    bucket_prefix: str
    talks_to: tuple[str, ...]
    egress_ports: tuple[int, ...]

    def bucket(self, name: str) -> str:
        """The full name of one of the platform's buckets."""
        return f"{self.bucket_prefix}-{name}" if self.bucket_prefix else name

    @property
    def secure(self) -> bool:
        """Whether it is spoken to by TLS."""
        return self.endpoint.startswith("https:")


def store(settings: Settings) -> Store:
    """The way to the object store that the settings name."""
    store_settings = settings.cluster.object_store if settings.cluster else BuiltinObjectStore()
    match store_settings:
        case S3():
            return _outside(
                store_settings.endpoint, store_settings.region, store_settings.bucket_prefix
            )
        case Gcs():
            return _outside(_GOOGLE, "auto", store_settings.bucket_prefix)
    return Store(
        endpoint=url(NAME),
        hostname=hostname(NAME),
        port=port_of(NAME),
        region=_REGION,
        bucket_prefix="",
        talks_to=(NAME,),
        egress_ports=(),
    )


def services(settings: Settings) -> list[Service]:
    """One gateway, unless the store is somebody else's; buckets are folders, there before it."""
    store_settings = (
        settings.cluster.object_store if settings.cluster else BuiltinObjectStore(gib=_GIB)
    )
    if not isinstance(store_settings, BuiltinObjectStore):
        return []
    names = [tenant.name for tenant in settings.tenants]
    own = (LAKE, ARTIFACTS, *((PIPELINES,) if settings.cluster else ()))
    buckets = (*own, *(tenant_account(name) for name in names))
    accounts = ("--iam-dir", config(_ACCOUNTS)) if names else ()
    return [
        Service(
            name=NAME,
            command=(
                *("versitygw", "--port", f"{host()}:{port()}", "--health", "/health"),
                *accounts,
                *("posix", data()),
            ),
            image=versions.IMAGES["versitygw"],
            environment={
                "ROOT_ACCESS_KEY": secret(ACCESS_KEY),
                "ROOT_SECRET_KEY": secret(SECRET_KEY),
                "VGW_REGION": _REGION,
            },
            files={f"{_ACCOUNTS}/users.json": _users(names)} if names else {},
            data=Data(gib=store_settings.gib, folders=buckets),
            health=Health(path="/health"),
            resources=Resources(cpu=20, memory=64, memory_limit=256),
            step_ports=("http",),
        ),
        *(_tenant_bucket(name) for name in names),
    ]


def tenant_account(tenant: str) -> str:
    """A tenant's access key, and its bucket. No secret: the bucket has its owner by that name."""
    return f"tenant-{tenant}"


def tenant_keys(tenant: str) -> tuple[str, str]:
    """The names of the secrets that a tenant's access key and secret key are."""
    return f"tenant-{tenant}-access-key", f"tenant-{tenant}-secret-key"


def _users(tenants: list[str]) -> str:
    """The accounts, as the server reads them: each may use what is its own and nothing else."""
    accounts = {
        tenant_account(name): {
            "access": tenant_account(name),
            "secret": secret(tenant_keys(name)[1]),
            "role": "user",
        }
        for name in tenants
    }
    return json.dumps({"accessAccounts": accounts}, indent=1)


def _tenant_bucket(tenant: str) -> Service:
    """Gives a tenant its bucket, which is a folder that was the platform's."""
    account = tenant_account(tenant)
    return Service(
        name=f"{account}-bucket",
        command=(
            *("versitygw", "admin", "--endpoint-url", url(NAME)),
            *("change-bucket-owner", "--bucket", account, "--owner", account),
        ),
        image=versions.IMAGES["versitygw"],
        ports=(),
        environment={
            "ADMIN_ACCESS_KEY_ID": secret(ACCESS_KEY),
            "ADMIN_SECRET_ACCESS_KEY": secret(SECRET_KEY),
            "ADMIN_REGION": _REGION,
        },
        health=Health(port=None),
        resources=Resources(cpu=10, memory=32, memory_limit=64),
        talks_to=(NAME,),
        job=True,
    )


def client_environment(settings: Settings) -> dict[str, str]:
    """What an S3 client of a service needs, by the names that all of them read."""
    there = store(settings)
    return {
        "AWS_ACCESS_KEY_ID": secret(ACCESS_KEY),
        "AWS_SECRET_ACCESS_KEY": secret(SECRET_KEY),
        "AWS_REGION": there.region,
        "AWS_DEFAULT_REGION": there.region,
        "AWS_ENDPOINT_URL": there.endpoint,
        "AWS_ALLOW_HTTP": "false" if there.secure else "true",
    }


def _outside(endpoint: str, region: str, bucket_prefix: str) -> Store:
    parts = urlsplit(endpoint)
    number = parts.port or (443 if parts.scheme == "https" else 80)
    return Store(
        endpoint=endpoint,
        hostname=str(parts.hostname),
        port=str(number),
        region=region,
        bucket_prefix=bucket_prefix,
        talks_to=(),
        egress_ports=(number,),
    )
