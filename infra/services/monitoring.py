"""Prometheus, Alertmanager and, where it can be had, Grafana."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from infra import versions
from infra.service import (
    Data,
    Health,
    Metrics,
    Resources,
    Service,
    address,
    config,
    data,
    host,
    port,
    url,
)
from monitoring import alertmanager, prometheus, rules
from monitoring.dashboards import dashboard
from monitoring.dashboards.defaults import DATASOURCE_UID
from monitoring.objective import Objective

if TYPE_CHECKING:
    from infra.settings import Settings

PROMETHEUS, ALERTMANAGER, GRAFANA = "prometheus", "alertmanager", "grafana"
_PROMETHEUS_FILE, _ALERTMANAGER_FILE = "prometheus.yml", "alertmanager.yml"
_GRAFANA_FILE, _DATASOURCES = "grafana.ini", "provisioning/datasources/prometheus.yml"
_PROVIDER, _DASHBOARDS = "provisioning/dashboards/slipway.yml", "dashboards"


def services(settings: Settings, others: list[Service], grafana_at_hand: bool) -> list[Service]:  # noqa: FBT001
    """What watches `others`, and itself."""
    watchers = [_alertmanager()]
    wanted = settings.monitoring.grafana
    if wanted == "on" or (wanted == "auto" and grafana_at_hand):
        watchers.append(_grafana(settings))
    return [_prometheus(settings, [*others, *watchers]), *watchers]


def objective(settings: Settings) -> Objective:
    """What serving promises, as rules and dashboards take it."""
    return Objective(**settings.monitoring.objective.model_dump())


def _prometheus(settings: Settings, watched: list[Service]) -> Service:
    listen = f"{host()}:{port()}"
    jobs = [
        prometheus.Job(service.name, address(service.name, service.metrics.port), path)
        for service in watched
        if service.metrics and (path := service.metrics.path)
    ]
    jobs.append(prometheus.Job(PROMETHEUS, address(PROMETHEUS)))
    return Service(
        name=PROMETHEUS,
        command=(
            "prometheus",
            f"--config.file={config(_PROMETHEUS_FILE)}",
            f"--storage.tsdb.path={data()}",
            f"--storage.tsdb.retention.time={settings.monitoring.retention}",
            f"--web.listen-address={listen}",
            "--log.level=warn",
        ),
        image=versions.IMAGES["prometheus"],
        files={
            _PROMETHEUS_FILE: prometheus.configuration(
                jobs, address(ALERTMANAGER), settings.monitoring.scrape_interval
            ),
            prometheus.RULES_FILE: rules.rules(objective(settings)),
        },
        data=Data(gib=10),
        health=Health(path="/-/ready"),
        metrics=Metrics(),
        resources=Resources(cpu=50, memory=128, memory_limit=512),
        talks_to=tuple(job.name for job in jobs if job.name != PROMETHEUS),
        ui="/",
        role="monitoring",
    )


def _alertmanager() -> Service:
    return Service(
        name=ALERTMANAGER,
        command=(
            "alertmanager",
            f"--config.file={config(_ALERTMANAGER_FILE)}",
            f"--storage.path={data()}",
            f"--web.listen-address={host()}:{port()}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ),
        image=versions.IMAGES["alertmanager"],
        files={_ALERTMANAGER_FILE: alertmanager.configuration()},
        data=Data(gib=1),
        health=Health(path="/-/ready"),
        metrics=Metrics(),
        resources=Resources(cpu=10, memory=32, memory_limit=128),
        ui="/",
        role="monitoring",
    )


def _grafana(settings: Settings) -> Service:
    return Service(
        name=GRAFANA,
        command=("grafana", "server", "--homepath", "@{home:}", "--config", config(_GRAFANA_FILE)),
        image=versions.IMAGES["grafana"],
        files={
            _GRAFANA_FILE: _grafana_ini(),
            _DATASOURCES: _datasources(settings.monitoring.scrape_interval),
            _PROVIDER: _provider(),
            **_dashboards(objective(settings)),
        },
        data=Data(gib=1),
        health=Health(path="/api/health"),
        metrics=Metrics(),
        resources=Resources(cpu=50, memory=128, memory_limit=512),
        talks_to=(PROMETHEUS,),
        ui="/",
        role="monitoring",
    )


def _grafana_ini() -> str:
    return f"""\
[paths]
data = {data()}
provisioning = {config("provisioning")}
[server]
http_addr = {host()}
http_port = {port()}
[analytics]
reporting_enabled = false
check_for_updates = false
check_for_plugin_updates = false
[auth.anonymous]
enabled = true
org_role = Viewer
"""


def _datasources(scrape_interval: str) -> str:
    source = {
        "name": "Prometheus",
        "uid": DATASOURCE_UID,
        "type": "prometheus",
        "access": "proxy",
        "url": url(PROMETHEUS),
        "isDefault": True,
        # $__rate_interval is made from it.
        "jsonData": {"timeInterval": scrape_interval},
    }
    return yaml.safe_dump({"apiVersion": 1, "datasources": [source]}, sort_keys=False)


def _provider() -> str:
    provider = {
        "name": "slipway",
        "folder": "Slipway",
        "type": "file",
        "allowUiUpdates": False,
        "options": {"path": config(_DASHBOARDS)},
    }
    return yaml.safe_dump({"apiVersion": 1, "providers": [provider]}, sort_keys=False)


def _dashboards(promised: Objective) -> dict[str, str]:
    return {
        f"{_DASHBOARDS}/{each.uid}.json": dashboard.as_json(each)
        for each in dashboard.dashboards(promised)
    }
