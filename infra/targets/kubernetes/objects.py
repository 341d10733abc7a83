"""The table of contents: which objects a cluster, a namespace and a service come to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infra.targets.kubernetes import (
    access,
    availability,
    configuration,
    custom_resources,
    network,
    runner,
    tenants,
    workload,
)
from infra.targets.kubernetes.hardening import NAMESPACE_LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.service import Service
    from infra.targets.kubernetes.render_context import Manifest, Place
    from infra.wiring.steps import Steps
    from infra.wiring.tenants import Tenancy


def of_namespace(place: Place) -> list[Manifest]:
    """The namespace, Pod Security *restricted* enforced, and its closed doors."""
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": place.namespace, "labels": dict(NAMESPACE_LABELS)},
    }
    return [namespace, network.default_deny(place)]


def of_service(
    service: Service,
    services: list[Service],
    place: Place,
    secret_values: Mapping[str, Any],
    secret_checksum: Any,
) -> list[Manifest]:
    """All objects of one service among `services`, in the order they are made.

    `secret_values` by variable, and their checksum, are texts or Pulumi outputs of texts.
    """
    candidates = [
        access.service_account(service, place),
        access.role(service, place),
        access.role_binding(service, place),
        access.cluster_role(service, place),
        access.cluster_role_binding(service, place),
        network.policy(service, services, place),
        configuration.config_map(service, place),
        configuration.secret(service, place, secret_values) if service.secrets else None,
        workload.claim(service, place),
        workload.workload(service, place, secret_checksum),
        network.service(service, place) if service.ports else None,
        availability.disruption_budget(service, place),
        availability.autoscaler(service, place),
    ]
    return [manifest for manifest in candidates if manifest is not None]


def of_cluster() -> list[Manifest]:
    """What a cluster has once, for all stacks on it."""
    return custom_resources.definitions()


def of_runner(
    steps: Steps, services: list[Service], place: Place, secret_values: Mapping[str, Any]
) -> list[Manifest]:
    """All that the steps of pipelines find in the namespace they run in."""
    return [
        *runner.account(place),
        network.steps_policy(services, place),
        *runner.configuration(steps, place),
        runner.secret(place, secret_values),
    ]


def of_tenant(
    tenant: Tenancy, services: list[Service], place: Place, secret_values: Mapping[str, Any]
) -> list[Manifest]:
    """All objects of one tenant, its namespace first; `place` is the platform's."""
    own = place.of_tenant(tenant.namespace)
    return [
        *of_namespace(own),
        *tenants.bounds(tenant, own),
        network.tenant_policy(services, own),
        *runner.account(own),
        *runner.configuration(tenant.steps, own),
        runner.secret(own, secret_values),
        *tenants.members(tenant, own),
        *tenants.services_rights(services, own),
    ]


def of_platform(
    services: list[Service],
    place: Place,
    secrets: Mapping[str, str],
    steps: Steps | None = None,
    tenancies: Sequence[Tenancy] = (),
) -> list[Manifest]:
    """Every object of a stack with the texts of its `secrets` in it: for checks, not for files."""
    place = replace(place.knowing(services), tenants=tuple(each.namespace for each in tenancies))
    manifests = of_namespace(place)
    for service in services:
        values = configuration.secret_values(service, place, secrets)
        checksum = configuration.checksum(values)
        manifests += of_service(service, services, place, values, checksum)
    if steps:
        manifests += of_runner(steps, services, place, runner.secret_values(steps, place, secrets))
    for tenant in tenancies:
        values = runner.secret_values(tenant.steps, place, secrets)
        manifests += of_tenant(tenant, services, place, values)
    return manifests
