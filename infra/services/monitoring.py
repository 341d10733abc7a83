"""Prometheus and Alertmanager: what watches all others, unless an operator's do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra import versions
from infra.service import (
    PLACEHOLDER,
    Data,
    Health,
    Metrics,
    PolicyRule,
    Resources,
    Service,
    address,
    config,
    data,
    host,
    port,
)
from infra.services import cluster_state, grafana, logs, process_exporter
from infra.wiring import monitoring_inputs
from infra.wiring.monitoring_inputs import PROMETHEUS
from monitoring import alertmanager, prometheus, rules

if TYPE_CHECKING:
    from infra.settings.tree import Settings

ALERTMANAGER = "alertmanager"
_PROMETHEUS_FILE, _ALERTMANAGER_FILE = "prometheus.yml", "alertmanager.yml"
_KUBELET_PORT = 10250
# What its discovery of copies asks, and that of nodes.
_FIND_PODS = PolicyRule(("",), ("pods",), ("get", "list", "watch"))
_ASK_KUBELETS = (
    PolicyRule(("",), ("nodes",), ("get", "list", "watch")),
    PolicyRule(("",), ("nodes/metrics",), ("get",)),
)


def services(settings: Settings, others: list[Service], grafana_at_hand: bool) -> list[Service]:  # noqa: FBT001
    """What watches `others`, and itself."""
    beside = [
        *grafana.services(settings, grafana_at_hand),
        *logs.services(settings),
        *cluster_state.services(settings),
    ]
    if monitoring_inputs.operator(settings):
        return beside
    exporter = process_exporter.services(settings, [*others, *beside])
    watchers = [_alertmanager(), *exporter, *beside]
    return [_prometheus(settings, [*others, *watchers]), *watchers]


def rule_file(settings: Settings) -> str:
    """All rules, as Prometheus reads them."""
    return rules.rules(monitoring_inputs.objective(settings), monitoring_inputs.cluster(settings))


def _prometheus(settings: Settings, others: list[Service]) -> Service:
    cluster = monitoring_inputs.cluster(settings)
    asks_nodes = bool(cluster and cluster.nodes)
    jobs = _jobs(others)
    return Service(
        name=PROMETHEUS,
        command=(
            "prometheus",
            f"--config.file={config(_PROMETHEUS_FILE)}",
            f"--storage.tsdb.path={data()}",
            f"--storage.tsdb.retention.time={settings.monitoring.retention}",
            f"--web.listen-address={host()}:{port()}",
            "--log.level=warn",
        ),
        image=versions.IMAGES["prometheus"],
        files={
            _PROMETHEUS_FILE: prometheus.configuration(
                jobs, address(ALERTMANAGER), settings.monitoring.scrape_interval, cluster
            ),
            prometheus.RULES_FILE: rule_file(settings),
        },
        data=Data(gib=10),
        health=Health(path="/-/ready"),
        metrics=Metrics(),
        resources=Resources(cpu=50, memory=128, memory_limit=512),
        talks_to=_asked(jobs),
        rights=(_FIND_PODS,) if cluster and any(job.replicated for job in jobs) else (),
        cluster_rights=_ASK_KUBELETS if asks_nodes else (),
        egress_ports=(_KUBELET_PORT,) if asks_nodes else (),
        ui="/",
        role="monitoring",
    )


def _jobs(others: list[Service]) -> list[prometheus.Job]:
    exporter = any(service.name == process_exporter.NAME for service in others)
    found = [
        _job(service, service.metrics) if service.metrics else _told(service)
        for service in others
        if service.metrics or exporter
    ]
    return [*found, prometheus.Job(PROMETHEUS, address(PROMETHEUS))]


def _job(service: Service, metrics: Metrics) -> prometheus.Job:
    return prometheus.Job(
        service.name,
        address(service.name, metrics.port),
        metrics.path,
        replicated=service.scaling.max > 1,
        port=metrics.port,
    )


def _told(service: Service) -> prometheus.Job:
    """A service without metrics of its own, of which the exporter tells."""
    there = address(process_exporter.NAME)
    return prometheus.Job(service.name, there, process_exporter.path_of(service.name))


def _asked(jobs: list[prometheus.Job]) -> tuple[str, ...]:
    """Whom Prometheus calls, each once."""
    called = [name for job in jobs for _, name in PLACEHOLDER.findall(job.address)]
    names = dict.fromkeys(name.split("/")[0] for name in called)
    return tuple(name for name in names if name != PROMETHEUS)


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
