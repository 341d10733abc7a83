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

    from infra.description.steps import Steps
    from infra.description.tenants import Tenancy
    from infra.service import Service
    from infra.targets.kubernetes.render_context import Manifest, RenderContext


def of_namespace(context: RenderContext) -> list[Manifest]:
    """The namespace, Pod Security *restricted* enforced, and its closed doors."""
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": context.namespace, "labels": dict(NAMESPACE_LABELS)},
    }
    return [namespace, network.default_deny(context)]


def of_service(
    service: Service,
    services: list[Service],
    context: RenderContext,
    secret_values: Mapping[str, Any],
    secret_checksum: Any,
) -> list[Manifest]:
    """All objects of one service among `services`, in the order they are made.

    `secret_values` by variable, and their checksum, are texts or Pulumi outputs of texts.
    """
    candidates = [
        access.service_account(service, context),
        access.role(service, context),
        access.role_binding(service, context),
        access.cluster_role(service, context),
        access.cluster_role_binding(service, context),
        network.policy(service, services, context),
        configuration.config_map(service, context),
        configuration.secret(service, context, secret_values) if service.secrets else None,
        workload.claim(service, context),
        workload.workload(service, context, secret_checksum),
        network.service(service, context) if service.ports else None,
        availability.disruption_budget(service, context),
        availability.autoscaler(service, context),
    ]
    return [manifest for manifest in candidates if manifest is not None]


def of_cluster() -> list[Manifest]:
    """What a cluster has once, for all stacks on it."""
    return custom_resources.definitions()


def of_runner(
    steps: Steps, services: list[Service], context: RenderContext, secret_values: Mapping[str, Any]
) -> list[Manifest]:
    """All that the steps of pipelines find in the namespace they run in."""
    return [
        *runner.account(context),
        network.steps_policy(services, context),
        *runner.configuration(steps, context),
        runner.secret(context, secret_values),
    ]


def of_tenant(
    tenant: Tenancy,
    services: list[Service],
    context: RenderContext,
    secret_values: Mapping[str, Any],
) -> list[Manifest]:
    """All objects of one tenant, its namespace first; `context` is the platform's."""
    own = context.of_tenant(tenant.namespace)
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
    context: RenderContext,
    secrets: Mapping[str, str],
    steps: Steps | None = None,
    tenancies: Sequence[Tenancy] = (),
) -> list[Manifest]:
    """Every object of a stack with the texts of its `secrets` in it: for checks, not for files."""
    context = replace(
        context.with_services(services), tenants=tuple(each.namespace for each in tenancies)
    )
    manifests = of_namespace(context)
    for service in services:
        values = configuration.secret_values(service, context, secrets)
        checksum = configuration.checksum(values)
        manifests += of_service(service, services, context, values, checksum)
    if steps:
        manifests += of_runner(
            steps, services, context, runner.secret_values(steps, context, secrets)
        )
    for tenant in tenancies:
        values = runner.secret_values(tenant.steps, context, secrets)
        manifests += of_tenant(tenant, services, context, values)
    return manifests
