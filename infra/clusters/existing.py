"""A cluster that somebody else made: reached by a kubeconfig and one named context of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.cluster import Cluster

if TYPE_CHECKING:
    from infra.settings.target import Existing


def cluster(settings: Existing) -> Cluster:
    """The cluster that the settings name; it is not asked anything."""
    return Cluster(
        context=settings.context,
        namespace=settings.namespace,
        kubeconfig=settings.kubeconfig,
        storage_class=settings.storage_class,
        api_servers=settings.api_servers,
        own_custom_resources=settings.custom_resources == "own",
    )
