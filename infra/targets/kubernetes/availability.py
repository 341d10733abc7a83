"""How many copies of a service run, and how many of them may be away at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.service import Service
    from infra.targets.kubernetes.render_context import Manifest, RenderContext


def disruption_budget(service: Service, context: RenderContext) -> Manifest | None:
    """One copy at a time may be drained; None where one copy is all there is."""
    if service.scaling.min == 1:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": context.metadata(service),
        "spec": {
            "maxUnavailable": 1,
            # A copy that is broken anyway does not hold up a node's drain.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": context.selector(service)},
        },
    }


def autoscaler(service: Service, context: RenderContext) -> Manifest | None:
    """Between `min` and `max` copies by CPU use; None where the two are one."""
    scaling = service.scaling
    if scaling.max == scaling.min:
        return None
    use = {"type": "Utilization", "averageUtilization": scaling.cpu_percent}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": context.metadata(service),
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet" if service.data else "Deployment",
                "name": service.name,
            },
            "minReplicas": scaling.min,
            "maxReplicas": scaling.max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": use}}],
        },
    }
