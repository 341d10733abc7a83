"""The list of services: one file a service, one line here.

Pure functions of the settings; nothing is started, and no target is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.services import (
    database,
    monitoring,
    object_store,
    pipelines,
    registry,
    serving,
    tracking,
)

if TYPE_CHECKING:
    from infra.service import Service
    from infra.settings.tree import Settings


def all_services(settings: Settings, *, grafana_at_hand: bool = False) -> list[Service]:
    """Every service of the platform that the settings describe.

    `grafana_at_hand` decides where the settings leave Grafana to what can be had.
    """
    platform = [
        *database.services(settings),
        *object_store.services(settings),
        *registry.services(settings),
        *tracking.services(settings),
        *serving.services(settings),
        *pipelines.services(settings),
    ]
    return [*platform, *monitoring.services(settings, platform, grafana_at_hand)]
