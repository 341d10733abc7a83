"""What an existing Prometheus Operator needs to watch the platform, and to be let in.

Its kinds are its own (monitoring.coreos.com/v1); nothing of it is started or changed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.targets.kubernetes import network

if TYPE_CHECKING:
    from infra.service import Metrics, Service
    from infra.settings.monitoring import OperatedPrometheus
    from infra.targets.kubernetes.render_context import Manifest, RenderContext

_API_VERSION = "monitoring.coreos.com/v1"
_JOB_LABEL = "app.kubernetes.io/name"


def of_operator(
    operated: OperatedPrometheus,
    services: list[Service],
    groups: list[dict[str, object]],
    interval: str,
    context: RenderContext,
) -> list[Manifest]:
    """A ServiceMonitor and an opening for each service with metrics, the rules, Grafana's way."""
    scraped = [(service, service.metrics) for service in services if service.metrics]
    asking = [service for service in services if operated.url in "".join(service.files.values())]
    return [
        rule(operated, groups, context),
        *(monitor(operated, service, metrics, interval, context) for service, metrics in scraped),
        *(_opening_in(operated, service, metrics, context) for service, metrics in scraped),
        *(_opening_out(operated, service, context) for service in asking),
    ]


def monitor(
    operated: OperatedPrometheus,
    service: Service,
    metrics: Metrics,
    interval: str,
    context: RenderContext,
) -> Manifest:
    """Every pod of a service is scraped, under the job that our rules and dashboards know."""
    metadata = context.metadata(service)
    return {
        "apiVersion": _API_VERSION,
        "kind": "ServiceMonitor",
        "metadata": metadata | {"labels": metadata["labels"] | operated.labels},
        "spec": {
            "jobLabel": _JOB_LABEL,
            "selector": {"matchLabels": context.selector(service)},
            "endpoints": [
                {
                    "port": metrics.port,
                    "path": metrics.path,
                    "interval": interval,
                    # What a series says of a namespace or pod is not where it was scraped.
                    "honorLabels": True,
                }
            ],
        },
    }


def rule(
    operated: OperatedPrometheus, groups: list[dict[str, object]], context: RenderContext
) -> Manifest:
    """All rules of ours, as one object."""
    return {
        "apiVersion": _API_VERSION,
        "kind": "PrometheusRule",
        "metadata": {
            "name": "slipway",
            "namespace": context.namespace,
            "labels": {"app.kubernetes.io/part-of": "slipway"} | operated.labels,
        },
        "spec": {"groups": groups},
    }


def _opening_in(
    operated: OperatedPrometheus, service: Service, metrics: Metrics, context: RenderContext
) -> Manifest:
    # By its name, so that the policy needs no number of any port.
    rules = [{"from": [_theirs(operated)], "ports": [network.tcp(metrics.port)]}]
    return _policy(service, "metrics", context, ingress=rules)


def _opening_out(
    operated: OperatedPrometheus, service: Service, context: RenderContext
) -> Manifest:
    ports = [network.tcp(int(operated.url.rpartition(":")[2]))]  # it always ends with one
    return _policy(
        service, "prometheus", context, egress=[{"to": [_theirs(operated)], "ports": ports}]
    )


def _policy(
    service: Service, name: str, context: RenderContext, **rules: list[Manifest]
) -> Manifest:
    metadata = context.metadata(service) | {"name": f"{service.name}-{name}"}
    return network.network_policy(metadata, {"matchLabels": context.selector(service)}, **rules)


def _theirs(operated: OperatedPrometheus) -> Manifest:
    labels = {"kubernetes.io/metadata.name": operated.namespace}
    return {"namespaceSelector": {"matchLabels": labels}}
