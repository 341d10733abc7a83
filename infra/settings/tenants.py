"""Tenants as settings: who they are, and how much each may use."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings.fields import ShortName, Tree

# Each has a dashboard in the one ConfigMap of Grafana's, and that holds 1 MiB.
MAX_TENANTS = 100


class Tenant(Tree):
    """A team with a namespace, a quota, credentials and pipelines of its own."""

    name: ShortName = Field(
        description="Part of the names of its namespace, its bucket and its folder."
    )
    cpu: float = Field(default=8, gt=0, le=10_000, description="Cores that its pods may request.")
    memory_gib: int = Field(
        default=32, ge=1, le=100_000, description="Memory that its pods may request."
    )
    storage_gib: int = Field(
        default=50, ge=1, le=1_000_000, description="Size of all its volumes together."
    )
    pods: int = Field(default=50, ge=1, le=100_000, description="Pods that it may have at once.")
    members: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=list, description="Users of the cluster who may run what is the tenant's."
    )
