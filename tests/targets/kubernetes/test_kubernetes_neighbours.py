"""What a Gateway and a Prometheus Operator are told, and only where settings name them."""

import pytest

from infra.services import all_services
from infra.settings.reading import parse
from infra.settings.tree import Settings
from infra.targets.kubernetes.integrations import of_integrations
from infra.targets.kubernetes.render_context import Manifest, RenderContext

PLACE = RenderContext("mlops", "dev")
GATEWAY = {"class_name": "proxies", "hostname": "ml.example.org"}
OPERATOR = {
    "kind": "operator",
    "url": "http://prometheus.watch.svc:9090",
    "namespace": "watch",
    "labels": {"release": "theirs"},
}


def settings(gateway: dict | None = None, **monitoring: object) -> Settings:
    target = {"kind": "existing", "context": "c", "namespace": "mlops", "gateway": gateway}
    return parse({"target": target, "monitoring": monitoring}, source="S")


def told(chosen: Settings) -> dict[tuple[str, str], Manifest]:
    services = all_services(chosen, grafana_at_hand=True)
    return {
        (made["kind"], made["metadata"]["name"]): made
        for made in of_integrations(chosen, services, PLACE)
    }


def test_nobody_is_told_anything_unless_settings_name_them() -> None:
    """Neither a Gateway API nor an operator is required."""
    assert told(settings()) == {}


def test_every_page_has_a_route_at_its_own_name() -> None:
    """<service>.<hostname> leads to the service's first port."""
    made = told(settings(GATEWAY))

    assert made["HTTPRoute", "grafana"]["spec"] == {
        "parentRefs": [{"name": "slipway"}],
        "hostnames": ["grafana.ml.example.org"],
        "rules": [{"backendRefs": [{"name": "grafana", "port": 8080}]}],
    }
    pages = {
        service.name for service in all_services(settings(), grafana_at_hand=True) if service.ui
    }
    assert {name for kind, name in made if kind == "HTTPRoute"} == pages


@pytest.mark.parametrize(
    ("issuer", "listener", "annotations"),
    [
        (None, ("http", "HTTP", 80), None),
        ("ca", ("https", "HTTPS", 443), {"cert-manager.io/cluster-issuer": "ca"}),
    ],
)
def test_an_issuer_makes_it_https(issuer, listener, annotations) -> None:
    """cert-manager makes the certificate that the listener refers to."""
    gateway = told(settings(GATEWAY | {"cluster_issuer": issuer}))["Gateway", "slipway"]
    [found] = gateway["spec"]["listeners"]

    assert (found["name"], found["protocol"], found["port"]) == listener
    assert ("tls" in found) == bool(issuer)
    assert gateway["metadata"].get("annotations") == annotations


@pytest.mark.parametrize(
    ("proxies", "caller"),
    [
        ("edge", {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}),
        (
            None,
            {"podSelector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "slipway"}}},
        ),
    ],
)
def test_a_page_opens_for_the_gateway_s_proxies_alone(proxies, caller) -> None:
    """Those of the namespace that is named, or those that stand beside us."""
    made = told(settings(GATEWAY | {"proxies": proxies}))

    assert made["NetworkPolicy", "grafana-gateway"]["spec"]["ingress"] == [
        {"from": [caller], "ports": [{"protocol": "TCP", "port": 8080}]}
    ]
    assert (("NetworkPolicy", "slipway") in made) == (proxies is None)


def test_an_operator_is_told_of_every_service_with_metrics() -> None:
    """Found by its labels, scraped under our job's name, let in by its namespace."""
    chosen = settings(prometheus=OPERATOR)
    made = told(chosen)
    watched = {
        service.name for service in all_services(chosen, grafana_at_hand=True) if service.metrics
    }

    assert {name for kind, name in made if kind == "ServiceMonitor"} == watched
    monitor = made["ServiceMonitor", "registry"]
    assert monitor["metadata"]["labels"]["release"] == "theirs"
    assert monitor["spec"] == {
        "jobLabel": "app.kubernetes.io/name",
        "selector": {"matchLabels": PLACE.selector_of("registry")},
        "endpoints": [
            {"port": "metrics", "path": "/metrics", "interval": "5s", "honorLabels": True}
        ],
    }
    theirs = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "watch"}}}
    assert made["NetworkPolicy", "registry-metrics"]["spec"]["ingress"] == [
        {"from": [theirs], "ports": [{"protocol": "TCP", "port": "metrics"}]}
    ]
    assert made["NetworkPolicy", "grafana-prometheus"]["spec"]["egress"] == [
        {"to": [theirs], "ports": [{"protocol": "TCP", "port": 9090}]}
    ]


def test_an_operator_gets_all_rules() -> None:
    """The groups are those of our own Prometheus."""
    made = told(settings(prometheus=OPERATOR))

    assert [group["name"] for group in made["PrometheusRule", "slipway"]["spec"]["groups"]] == [
        "slipway-objective",
        "slipway-platform",
        "slipway-serving",
        "slipway-cluster",
        "slipway-pipelines",
    ]
