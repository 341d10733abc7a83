"""All rules of the platform: what is recorded, and when somebody is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from monitoring import burn
from monitoring.alert import Alert, Recording

if TYPE_CHECKING:
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
_SERVING = (
    Alert(
        name="NoModelServed",
        expression="slipway_model_ready == 0",
        hold="10m",
        severity="ticket",
        summary="the model server has had no model for 10 minutes",
    ),
    Alert(
        name="ModelRefused",
        expression="increase(slipway_model_load_failures_total[10m]) > 0",
        hold="0s",
        severity="ticket",
        summary="a released model was refused ({{ $labels.reason }}); the one before it serves on",
    ),
    Alert(
        name="ReleasesUnseen",
        expression="increase(slipway_tracking_poll_failures_total[5m]) > 0",
        hold="5m",
        severity="ticket",
        summary="the model server cannot ask the model registry which version is released",
    ),
)


def alerts(objective: Objective) -> list[Alert]:
    """Every alert there is."""
    return [*_PLATFORM, *_SERVING, *burn.alerts(objective)]


def rules(objective: Objective) -> str:
    """A Prometheus rule file: the objective's recordings, then each room's alerts."""
    groups: dict[str, list[Alert | Recording]] = {
        "slipway-objective": [*burn.recordings(objective), *burn.alerts(objective)],
        "slipway-platform": [*_PLATFORM],
        "slipway-serving": [*_SERVING],
    }
    return yaml.safe_dump(
        {
            "groups": [
                {"name": name, "rules": [rule.as_rule() for rule in group]}
                for name, group in groups.items()
            ]
        },
        sort_keys=False,
        width=200,
    )
