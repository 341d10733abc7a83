"""Where Kubernetes comes from: each kind of cluster ends in the same small `Cluster`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.clusters import existing
from infra.errors import SettingsError
from infra.settings.target import Existing, Kind

if TYPE_CHECKING:
    from infra.cluster import Cluster
    from infra.settings.target import OnKubernetes


def of(target: OnKubernetes) -> Cluster:
    """The cluster that the settings name, made where it is ours to make."""
    if isinstance(target, Existing):
        return existing.cluster(target)
    if isinstance(target, Kind):
        from infra.clusters.kind import resource  # noqa: PLC0415 - loads Pulumi's Docker SDK

        return resource.cluster(target)
    raise SettingsError(f"no cluster can be made for {type(target).__name__} yet")
