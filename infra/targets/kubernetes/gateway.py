"""Pages of the platform by a cluster's Gateway API: one Gateway, one route a page.

The cluster's GatewayClass brings the proxies, cert-manager the certificate where an issuer is
named. Without TLS the pages are for closed networks: no password is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.targets.kubernetes import network

if TYPE_CHECKING:
    from infra.service import Service
    from infra.settings.target import Gateway
    from infra.targets.kubernetes.render_context import Manifest, RenderContext

NAME = "slipway"
_API_VERSION = "gateway.networking.k8s.io/v1"
# What implementations label their proxies with (GEP-1762) if they stand beside the Gateway.
_PROXIES = {"matchLabels": {"gateway.networking.k8s.io/gateway-name": NAME}}


def of_gateway(
    settings: Gateway, services: list[Service], context: RenderContext
) -> list[Manifest]:
    """The Gateway; to each service with a page a route, and its door for the proxies."""
    pages = [service for service in services if service.ui]
    beside = [] if settings.proxies else [_proxies_policy(pages, context)]
    return [
        gateway(settings, context),
        *beside,
        *(route(settings, service, context) for service in pages),
        *(_opening(settings, service, context) for service in pages),
    ]


def gateway(settings: Gateway, context: RenderContext) -> Manifest:
    """One listener for all names below the host name."""
    issuer = {"cert-manager.io/cluster-issuer": settings.cluster_issuer}
    return {
        "apiVersion": _API_VERSION,
        "kind": "Gateway",
        "metadata": _metadata(context)
        | ({"annotations": issuer} if settings.cluster_issuer else {}),
        "spec": {
            "gatewayClassName": settings.class_name,
            "listeners": [_listener(settings)],
        },
    }


def route(settings: Gateway, service: Service, context: RenderContext) -> Manifest:
    """The page of a service at <service>.<hostname>."""
    port = context.number(service.name, service.ports[0])
    return {
        "apiVersion": _API_VERSION,
        "kind": "HTTPRoute",
        "metadata": context.metadata(service),
        "spec": {
            "parentRefs": [{"name": NAME}],
            "hostnames": [f"{service.name}.{settings.hostname}"],
            "rules": [{"backendRefs": [{"name": service.name, "port": port}]}],
        },
    }


def _listener(settings: Gateway) -> Manifest:
    names = {
        "hostname": f"*.{settings.hostname}",
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
    if not settings.cluster_issuer:
        return {"name": "http", "protocol": "HTTP", "port": 80, **names}
    tls = {"mode": "Terminate", "certificateRefs": [{"name": f"{NAME}-gateway"}]}
    return {"name": "https", "protocol": "HTTPS", "port": 443, "tls": tls, **names}


def _opening(settings: Gateway, service: Service, context: RenderContext) -> Manifest:
    ports = [network.tcp(context.number(service.name, service.ports[0]))]
    return network.network_policy(
        context.metadata(service) | {"name": f"{service.name}-gateway"},
        {"matchLabels": context.selector(service)},
        ingress=[{"from": [_callers(settings)], "ports": ports}],
    )


def _callers(settings: Gateway) -> Manifest:
    if not settings.proxies:
        return {"podSelector": _PROXIES}
    labels = {"kubernetes.io/metadata.name": settings.proxies}
    return {"namespaceSelector": {"matchLabels": labels}}


def _proxies_policy(pages: list[Service], context: RenderContext) -> Manifest:
    """Everybody may come to proxies in our namespace; they go to pages and to their controller."""
    to_pages = [
        {
            "to": [{"podSelector": {"matchLabels": context.selector(service)}}],
            "ports": [network.tcp(context.number(service.name, service.ports[0]))],
        }
        for service in pages
    ]
    # Where that is, and on which port, each implementation decides for itself.
    elsewhere = {"matchExpressions": [_not_named(context.namespace)]}
    return network.network_policy(
        _metadata(context),
        _PROXIES,
        ingress=[{}],
        egress=[*to_pages, {"to": [{"namespaceSelector": elsewhere}]}],
    )


def _not_named(namespace: str) -> Manifest:
    return {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [namespace]}


def _metadata(context: RenderContext) -> Manifest:
    labels = {"app.kubernetes.io/part-of": "slipway", "app.kubernetes.io/managed-by": "pulumi"}
    return {"name": NAME, "namespace": context.namespace, "labels": labels}
