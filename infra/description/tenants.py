"""Tenants: what each of them is, has and finds, wherever its namespace stands.

A tenant's steps reach the same services as the platform's, by keys of their own: a bucket of
its own in the platform's object store, or a folder of the buckets where the store is
somebody else's. Its experiments and models in MLflow bear its name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contracts import variables
from infra.description import steps
from infra.service import secret
from infra.services import object_store
from infra.settings.target import BuiltinObjectStore

if TYPE_CHECKING:
    from infra.description.steps import Steps
    from infra.settings.tenants import Tenant
    from infra.settings.tree import Settings


@dataclass(frozen=True)
class Tenancy:
    """A tenant as settings describe it, its namespace, and what its steps find."""

    settings: Tenant
    namespace: str
    steps: Steps


def tenancies(settings: Settings) -> tuple[Tenancy, ...]:
    """Every tenant, in the order of the settings; there are none on plain processes."""
    if settings.cluster is None:
        return ()
    platform = steps.steps(settings)
    return tuple(
        Tenancy(tenant, settings.tenant_namespace(tenant), _steps(platform, settings, tenant))
        for tenant in settings.tenants
    )


def account_names(settings: Settings) -> dict[str, str]:
    """Secrets that are not generated: the names that tenants have in the object store."""
    if not _has_accounts(settings):
        return {}
    return {
        object_store.tenant_keys(tenant.name)[0]: object_store.tenant_account(tenant.name)
        for tenant in settings.tenants
    }


def _steps(platform: Steps, settings: Settings, tenant: Tenant) -> Steps:
    """What the platform's own steps find, with what is the tenant's in its place.

    What a tenant makes is not the platform's to vouch for: it has no key to sign with.
    """
    artifacts = f"{_bucket(settings, tenant, object_store.PIPELINES)}/artifacts"
    ours = {
        name: text for name, text in platform.environment.items() if name != variables.SIGNING_KEY
    }
    return replace(
        platform,
        environment={
            **ours,
            **(_keys(tenant) if _has_accounts(settings) else {}),
            variables.LAKE: _bucket(settings, tenant, object_store.LAKE),
            variables.TENANT: tenant.name,
        },
        launcher={**platform.launcher, "defaultPipelineRoot": artifacts},
    )


def _keys(tenant: Tenant) -> dict[str, str]:
    access_key, secret_key = object_store.tenant_keys(tenant.name)
    return {
        "AWS_ACCESS_KEY_ID": secret(access_key),
        "AWS_SECRET_ACCESS_KEY": secret(secret_key),
    }


def _bucket(settings: Settings, tenant: Tenant, name: str) -> str:
    """Where a tenant has what others have in the bucket of that name."""
    if _has_accounts(settings):
        return f"s3://{object_store.tenant_account(tenant.name)}/{name}"
    return f"s3://{object_store.store(settings).bucket(name)}/tenants/{tenant.name}"


def _has_accounts(settings: Settings) -> bool:
    """Whether the store is the platform's own, which knows tenants apart."""
    cluster = settings.cluster
    return cluster is not None and isinstance(cluster.object_store, BuiltinObjectStore)
