"""`Description`: all that a stack's settings come to before a target makes it real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.description import external_secrets, steps, tenants
from infra.services import all_services, serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.description.steps import Steps
    from infra.description.tenants import Tenancy
    from infra.service import Service
    from infra.settings.target import OnKubernetes
    from infra.settings.tree import Settings


@dataclass(frozen=True)
class Description:
    """The services, what pipeline steps find, the tenants, and the secrets that somebody chose."""

    settings: Settings
    services: tuple[Service, ...]
    steps: Steps
    external_secrets: Mapping[str, str]
    tenants: tuple[Tenancy, ...] = ()

    @property
    def cluster(self) -> OnKubernetes:
        """The target's settings.

        Raises:
            TypeError: the target is plain processes.
        """
        if self.settings.cluster is None:
            raise TypeError("a stack of processes is on no cluster")
        return self.settings.cluster

    @property
    def secrets(self) -> frozenset[str]:
        """The names of all secrets that are needed."""
        return frozenset().union(
            self.steps.secrets,
            *(tenant.steps.secrets for tenant in self.tenants),
            *(service.secrets for service in self.services),
        )


def describe(settings: Settings, *, grafana_at_hand: bool = True) -> Description:
    """What the settings of a stack mean; nothing is started, and no cluster is known."""
    return Description(
        settings=settings,
        services=tuple(all_services(settings, grafana_at_hand=grafana_at_hand)),
        steps=steps.steps(settings),
        external_secrets=(external_secrets.secrets(settings.cluster) if settings.cluster else {})
        | tenants.account_names(settings)
        | serving.key_hashes(settings),
        tenants=tenants.tenancies(settings),
    )
