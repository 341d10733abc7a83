"""Who may speak to whom: Services, and policies whose only openings are `talks_to`.

An edge opens just the ports that the caller's own texts name. Prometheus' scrapes are
edges like any other. Probes and `kubectl port-forward` come from the node, which policies
do not bind. Pipeline steps are pods that no service of ours starts: what they may call is
what the services say. All that a tenant runs counts as a step, since a label on its pods would
be its own to set; Kubeflow Pipelines, which asks nobody who he is, is closed to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.service import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.service import Service
    from infra.targets.kubernetes.render_context import Manifest, RenderContext

_DNS_PORT = 53
# Policies see the address after the `kubernetes` Service's 443 was translated, or before:
# that is the network plugin's choice.
_API_PORTS = (443, 6443)
# Argo's own label on the pods of a workflow.
_STEPS = {"matchExpressions": [{"key": "workflows.argoproj.io/workflow", "operator": "Exists"}]}


def service(described: Service, context: RenderContext) -> Manifest:
    """The Service: every port under its name and number."""
    ports = [
        {"name": port, "port": context.number(described.name, port), "targetPort": port}
        for port in described.ports
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": context.metadata(described),
        "spec": {"selector": context.selector(described), "ports": ports},
    }


def network_policy(
    metadata: Manifest,
    pods: Manifest,
    *,
    ingress: Sequence[Manifest] | None = None,
    egress: Sequence[Manifest] | None = None,
) -> Manifest:
    """A policy for the pods that a selector picks; a direction that is None is not its business.

    A direction with no rule is closed.
    """
    directions = {"Ingress": ingress, "Egress": egress}
    stated = {name: rules for name, rules in directions.items() if rules is not None}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": {
            "podSelector": pods,
            "policyTypes": list(stated),
            # The API server drops an empty list, and then takes every apply for a change.
            **{name.lower(): list(rules) for name, rules in stated.items() if rules},
        },
    }


def default_deny(context: RenderContext) -> Manifest:
    """Nothing comes in and nothing goes out, for every pod of the namespace."""
    metadata = {"name": "default-deny", "namespace": context.namespace}
    return network_policy(metadata, {}, ingress=(), egress=())


def policy(described: Service, services: list[Service], context: RenderContext) -> Manifest:
    """What is open for one service: its callers in, those it calls out."""
    return network_policy(
        context.metadata(described),
        {"matchLabels": context.selector(described)},
        ingress=[
            *_from_callers(described, services, context),
            *_from_steps(described, context),
        ],
        egress=[
            *_to_called(described, services, context),
            *_outside(described),
            *_dns(described),
            *(_api_server(context) if described.calls_api_server else []),
        ],
    )


def steps_policy(services: list[Service], context: RenderContext) -> Manifest:
    """What is open for the steps of pipelines: nothing in; out, what services have for them."""
    called = [
        {
            "to": [_pods(service, context)],
            "ports": [tcp(context.number(service.name, port)) for port in service.step_ports],
        }
        for service in services
        if service.step_ports
    ]
    return network_policy(
        context.common_metadata("pipeline-steps"),
        _STEPS,
        ingress=(),
        egress=[*called, *_names(), *_api_server(context)],
    )


def tenant_policy(services: list[Service], context: RenderContext) -> Manifest:
    """What is open for the pods of a tenant: nothing in; out, what it may use of the platform."""
    steps = steps_policy([each for each in services if _open_to_tenants(each)], context)
    return {**steps, "spec": {**steps["spec"], "podSelector": {}}}


def called_ports(caller: Service, called: Service) -> tuple[str, ...]:
    """The ports of `called` that the texts of `caller` name; all of them if they name none."""
    texts = [*caller.command, *caller.environment.values(), *caller.files.values()]
    addresses = {
        argument
        for text in texts
        for kind, argument in PLACEHOLDER.findall(text)
        if kind in {"address", "number"}
    }
    return (
        tuple(port for port in called.ports if f"{called.name}/{port}" in addresses) or called.ports
    )


def _from_callers(
    described: Service, services: list[Service], context: RenderContext
) -> list[Manifest]:
    return [
        {"from": [_pods(caller, context)], "ports": _edge(caller, described, context)}
        for caller in services
        if described.name in caller.talks_to
    ]


def _to_called(
    described: Service, services: list[Service], context: RenderContext
) -> list[Manifest]:
    return [
        {"to": [_pods(called, context)], "ports": _edge(described, called, context)}
        for called in services
        if called.name in described.talks_to
    ]


def _from_steps(described: Service, context: RenderContext) -> list[Manifest]:
    if not described.step_ports:
        return []
    ports = [tcp(context.number(described.name, port)) for port in described.step_ports]
    callers = [{"podSelector": _STEPS}]
    if context.tenants and _open_to_tenants(described):
        callers.append({"namespaceSelector": _namespaces(*context.tenants), "podSelector": {}})
    return [{"from": callers, "ports": ports}]


def _open_to_tenants(described: Service) -> bool:
    return bool(described.step_ports) and described.role != "pipelines"


def _namespaces(*names: str) -> Manifest:
    label = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": sorted(names)}
    return {"matchExpressions": [label]}


def _outside(described: Service) -> list[Manifest]:
    if not described.egress_ports:
        return []
    everywhere = {"ipBlock": {"cidr": "0.0.0.0/0"}}
    return [{"to": [everywhere], "ports": [tcp(port) for port in described.egress_ports]}]


def _edge(caller: Service, called: Service, context: RenderContext) -> list[Manifest]:
    return [tcp(context.number(called.name, port)) for port in called_ports(caller, called)]


def tcp(port: int | str) -> Manifest:
    """A port of a rule, by its number or its name."""
    return {"protocol": "TCP", "port": port}


def _pods(described: Service, context: RenderContext) -> Manifest:
    pods = {"podSelector": {"matchLabels": context.selector(described)}}
    if context.platform:
        return {"namespaceSelector": _namespaces(context.platform), **pods}
    return pods


def _dns(described: Service) -> list[Manifest]:
    wanted = described.talks_to or described.calls_api_server or described.egress_ports
    return _names() if wanted else []


def _names() -> list[Manifest]:
    system = {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
    ports = [{"protocol": protocol, "port": _DNS_PORT} for protocol in ("UDP", "TCP")]
    return [{"to": [{"namespaceSelector": system}], "ports": ports}]


def _api_server(context: RenderContext) -> list[Manifest]:
    servers = {"ipBlock": {"cidr": context.api_servers}}
    return [{"to": [servers], "ports": [tcp(port) for port in _API_PORTS]}]
