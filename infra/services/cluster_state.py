"""kube-state-metrics: what the objects of our namespaces say of themselves, as metrics.

It is asked for just the resources and metrics that `monitoring` uses, so that Roles in our own
namespaces suffice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra import versions
from infra.service import Health, Metrics, PolicyRule, Resources, Service, host, port
from infra.wiring import monitoring_inputs
from monitoring.cluster import STATE_RESOURCES, STATES

if TYPE_CHECKING:
    from infra.settings.tree import Settings

NAME = "kube-state-metrics"
_RIGHTS = tuple(
    PolicyRule((group,), resources, ("list", "watch")) for group, resources in STATE_RESOURCES
)


def services(settings: Settings) -> list[Service]:
    """One on Kubernetes, unless an operator's cluster has its own."""
    cluster, operator = monitoring_inputs.cluster(settings), monitoring_inputs.operator(settings)
    if not cluster or (operator and not operator.kube_state_metrics):
        return []
    resources = sorted(name for _, names in STATE_RESOURCES for name in names)
    return [
        Service(
            name=NAME,
            command=(
                # Its image has the program there, and not on PATH.
                "/kube-state-metrics",
                f"--host={host()}",
                f"--port={port()}",
                f"--telemetry-host={host()}",
                f"--telemetry-port={port('metrics')}",
                f"--namespaces={','.join(cluster.namespaces)}",
                f"--resources={','.join(resources)}",
                # As patterns: a bare name allows all that begin with it.
                f"--metric-allowlist={','.join(f'^{name}$' for name in STATES)}",
            ),
            image=versions.IMAGES["kube-state-metrics"],
            ports=("http", "metrics"),
            health=Health(path="/healthz"),
            metrics=Metrics(),
            resources=Resources(cpu=5, memory=32, memory_limit=128),
            rights=_RIGHTS,
            tenant_rights=_RIGHTS,
            role="monitoring",
        )
    ]
