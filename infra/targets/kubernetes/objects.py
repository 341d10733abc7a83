"""The table of contents: which objects a namespace and a service come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.targets.kubernetes import access, configuration, copies, network, workload
from infra.targets.kubernetes.hardening import NAMESPACE_LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.service import Service
    from infra.targets.kubernetes.place import Manifest, Place


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
        configuration.config_map(service, place) if service.files else None,
        configuration.secret(service, place, secret_values) if service.secrets else None,
        workload.claim(service, place),
        workload.workload(service, place, secret_checksum),
        network.service(service, place),
        copies.disruption_budget(service, place),
        copies.autoscaler(service, place),
    ]
    return [manifest for manifest in candidates if manifest is not None]


def of_platform(
    services: list[Service], place: Place, secrets: Mapping[str, str]
) -> list[Manifest]:
    """Every object of a stack with the texts of its `secrets` in it: for checks, not for files."""
    manifests = of_namespace(place)
    for service in services:
        values = configuration.secret_values(service, place, secrets)
        checksum = configuration.checksum(values)
        manifests += of_service(service, services, place, values, checksum)
    return manifests
