"""What others in the cluster need to serve or watch the platform, where settings name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.settings.target import OnKubernetes
from infra.targets.kubernetes import gateway, monitors
from infra.wiring import monitoring_inputs
from monitoring import rules

if TYPE_CHECKING:
    from infra.service import Service
    from infra.settings.tree import Settings
    from infra.targets.kubernetes.render_context import Manifest, RenderContext


def of_integrations(
    settings: Settings, services: list[Service], context: RenderContext
) -> list[Manifest]:
    """A Gateway's routes and an operator's monitors; nothing where settings name neither."""
    return [*_of_gateway(settings, services, context), *_of_operator(settings, services, context)]


def _of_gateway(
    settings: Settings, services: list[Service], context: RenderContext
) -> list[Manifest]:
    target = settings.target
    if not isinstance(target, OnKubernetes) or not target.gateway:
        return []
    return gateway.of_gateway(target.gateway, services, context)


def _of_operator(
    settings: Settings, services: list[Service], context: RenderContext
) -> list[Manifest]:
    operated = monitoring_inputs.operator(settings)
    if not operated:
        return []
    groups = rules.groups(
        monitoring_inputs.objective(settings), monitoring_inputs.cluster(settings)
    )
    interval = settings.monitoring.scrape_interval
    return monitors.of_operator(operated, services, groups, interval, context)
