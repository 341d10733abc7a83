"""All rules of the platform: what is recorded, and when somebody is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from monitoring import burn, cluster_alerts, pipeline_alerts, serving_alerts
from monitoring.alert import Alert, Recording

if TYPE_CHECKING:
    from monitoring.cluster import Cluster
    from monitoring.objective import Objective

_PLATFORM = (
    Alert(
        name="ServiceDown",
        expression="up == 0",
        hold="30s",
        severity="page",
        summary="{{ $labels.job }} has not answered Prometheus for 30 s",
    ),
    Alert(
        name="ServiceRestarting",
        expression="changes(process_start_time_seconds[15m]) > 2",
        hold="0s",
        severity="ticket",
        summary="{{ $labels.job }} has started {{ $value }} times anew in 15 minutes",
    ),
    Alert(
        name="FileDescriptorsRunOut",
        expression="process_open_fds / process_max_fds > 0.8",
        hold="5m",
        severity="ticket",
        summary="{{ $labels.job }} has {{ $value | humanizePercentage }} of its files open",
    ),
    Alert(
        name="RulesFail",
        expression="increase(prometheus_rule_evaluation_failures_total[5m]) > 0",
        hold="5m",
        severity="ticket",
        summary="Prometheus cannot evaluate {{ $labels.rule_group }}: its alerts are blind",
    ),
    Alert(
        name="AlertsUndelivered",
        expression="increase(prometheus_notifications_dropped_total[5m]) > 0",
        hold="5m",
        severity="page",
        summary="Prometheus drops alerts: nobody is told of anything else",
    ),
)


def alerts(objective: Objective, cluster: Cluster | None = None) -> list[Alert]:
    """Every alert there is; those about Kubernetes where there is a cluster."""
    groups = _groups(objective, cluster).values()
    return [rule for group in groups for rule in group if isinstance(rule, Alert)]


def groups(objective: Objective, cluster: Cluster | None = None) -> list[dict[str, object]]:
    """The objective's recordings and alerts, then each room's alerts, as Prometheus reads them."""
    return [
        {"name": name, "rules": [rule.as_rule() for rule in group]}
        for name, group in _groups(objective, cluster).items()
    ]


def rules(objective: Objective, cluster: Cluster | None = None) -> str:
    """The same as a Prometheus rule file."""
    return yaml.safe_dump({"groups": groups(objective, cluster)}, sort_keys=False, width=200)


def _groups(objective: Objective, cluster: Cluster | None) -> dict[str, list[Alert | Recording]]:
    on_kubernetes: dict[str, list[Alert | Recording]] = {}
    if cluster:
        on_kubernetes = {
            "slipway-cluster": [*cluster_alerts.alerts(cluster)],
            "slipway-pipelines": [*pipeline_alerts.recordings(), *pipeline_alerts.alerts()],
        }
    return {
        "slipway-objective": [*burn.recordings(objective), *burn.alerts(objective)],
        "slipway-platform": [*_PLATFORM],
        "slipway-serving": [*serving_alerts.recordings(), *serving_alerts.alerts()],
        **on_kubernetes,
    }
