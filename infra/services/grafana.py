"""Grafana, with its sources and dashboards as files; a tenant's in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from infra import versions
from infra.service import Data, Health, Metrics, Resources, Service, config, data, host, port, url
from infra.services import logs
from infra.wiring import monitoring_inputs
from infra.wiring.monitoring_inputs import PROMETHEUS
from monitoring.dashboards import cluster_dashboards, dashboard
from monitoring.dashboards.defaults import DATASOURCE_UID, LOGS_UID

if TYPE_CHECKING:
    from infra.settings.tree import Settings

NAME = "grafana"
_INI, _SOURCES = "grafana.ini", "provisioning/datasources/prometheus.yml"
_PROVIDER, _DASHBOARDS, _TENANTS = "provisioning/dashboards/slipway.yml", "dashboards", "tenants"


def services(settings: Settings, at_hand: bool) -> list[Service]:  # noqa: FBT001
    """One, where settings want it or, in doubt, where it can be had."""
    switch = settings.monitoring.grafana
    if switch == "off" or (switch == "auto" and not at_hand):
        return []
    return [_grafana(settings)]


def _grafana(settings: Settings) -> Service:
    theirs = monitoring_inputs.operator(settings)
    return Service(
        name=NAME,
        command=("grafana", "server", "--homepath", "@{home:}", "--config", config(_INI)),
        image=versions.IMAGES["grafana"],
        files={
            _INI: _grafana_ini(),
            _SOURCES: _datasources(settings),
            _PROVIDER: _providers(settings),
            **_dashboards(settings),
        },
        data=Data(gib=1),
        health=Health(path="/api/health"),
        metrics=Metrics(),
        resources=Resources(cpu=50, memory=128, memory_limit=512),
        talks_to=(
            *(() if theirs else (PROMETHEUS,)),
            *((logs.LOKI,) if monitoring_inputs.cluster(settings) else ()),
        ),
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


def _datasources(settings: Settings) -> str:
    theirs = monitoring_inputs.operator(settings)
    metrics = {
        "name": "Prometheus",
        "uid": DATASOURCE_UID,
        "type": "prometheus",
        "access": "proxy",
        "url": theirs.url if theirs else url(PROMETHEUS),
        "isDefault": True,
        # $__rate_interval is made from it.
        "jsonData": {"timeInterval": settings.monitoring.scrape_interval},
    }
    lines = {
        "name": "Loki",
        "uid": LOGS_UID,
        "type": "loki",
        "access": "proxy",
        "url": url(logs.LOKI),
    }
    sources = [metrics, lines] if monitoring_inputs.cluster(settings) else [metrics]
    return yaml.safe_dump({"apiVersion": 1, "datasources": sources}, sort_keys=False)


def _providers(settings: Settings) -> str:
    cluster = monitoring_inputs.cluster(settings)
    tenants = cluster.tenants if cluster else ()
    folders = [
        ("slipway", "Slipway", _DASHBOARDS),
        *((f"tenant-{of.name}", f"Tenant {of.name}", f"{_TENANTS}/{of.name}") for of in tenants),
    ]
    providers = [
        {
            "name": name,
            "folder": folder,
            "type": "file",
            "allowUiUpdates": False,
            "options": {"path": config(path)},
        }
        for name, folder, path in folders
    ]
    return yaml.safe_dump({"apiVersion": 1, "providers": providers}, sort_keys=False)


def _dashboards(settings: Settings) -> dict[str, str]:
    cluster = monitoring_inputs.cluster(settings)
    everyone = {
        f"{_DASHBOARDS}/{each.uid}.json": dashboard.as_json(each)
        for each in dashboard.dashboards(monitoring_inputs.objective(settings), cluster)
    }
    tenants = {
        f"{_TENANTS}/{of.name}/{of.name}.json": dashboard.as_json(cluster_dashboards.tenant(of))
        for of in (cluster.tenants if cluster else ())
    }
    return everyone | tenants
