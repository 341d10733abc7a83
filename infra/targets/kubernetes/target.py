"""Services to Kubernetes resources: one component a service, all under one platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes import Provider

from infra.targets.generated import GeneratedSecret
from infra.targets.kubernetes import configuration, neighbours, objects
from infra.targets.kubernetes.place import Place, version
from infra.targets.kubernetes.resources import resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.clusters.cluster import Cluster
    from infra.service import Service
    from infra.settings import Settings
    from infra.targets.kubernetes.place import Manifest

_WORKLOADS = frozenset({"Deployment", "StatefulSet"})


class KubernetesService(pulumi.ComponentResource):
    """One service: its account, rights, openings, configuration, pods and address.

    `after` stands before any of them; a component's own `depends_on` would not reach them.
    """

    def __init__(
        self,
        name: str,
        manifests: list[Manifest],
        after: list[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("slipway:kubernetes:Service", name, {}, opts)
        made: list[pulumi.Resource] = []
        for manifest in manifests:
            # Pods start behind closed doors, with all they read in place.
            needed = [*after, *(made if manifest["kind"] in _WORKLOADS else ())]
            options = pulumi.ResourceOptions(parent=self, depends_on=needed)
            made.append(resource(manifest, options))
        self.register_outputs({})


class KubernetesPlatform(pulumi.ComponentResource):
    """All services of a stack in one namespace of a cluster.

    `outputs` holds what the command line and a person want to know of it.
    """

    def __init__(
        self,
        name: str,
        services: list[Service],
        cluster: Cluster,
        settings: Settings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        provider = Provider("cluster", kubeconfig=cluster.kubeconfig, context=cluster.context)
        given = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[provider]))
        super().__init__("slipway:kubernetes:Platform", name, {}, given)
        place = _place(cluster)
        child = pulumi.ResourceOptions(parent=self)
        after = self._namespace(place)
        secrets = {
            name: GeneratedSecret(name, child).value
            for name in sorted(frozenset().union(*(service.secrets for service in services)))
        }
        for service in services:
            manifests = _manifests(service, services, place, secrets)
            KubernetesService(service.name, manifests, after, child)
        for manifest in neighbours.of_neighbours(settings, services, place):
            resource(manifest, pulumi.ResourceOptions(parent=self, depends_on=after))
        self.outputs = _outputs(services, place) | {"secrets": secrets}
        self.register_outputs(self.outputs)

    def _namespace(self, place: Place) -> list[pulumi.Resource]:
        made: list[pulumi.Resource] = []
        for manifest in objects.of_namespace(place):
            options = pulumi.ResourceOptions(parent=self, depends_on=list(made))
            made.append(resource(manifest, options))
        return made


def _place(cluster: Cluster) -> Place:
    return Place(cluster.namespace, pulumi.get_stack(), cluster.storage_class, cluster.api_servers)


def _manifests(
    service: Service,
    services: list[Service],
    place: Place,
    secrets: Mapping[str, pulumi.Output[str]],
) -> list[Manifest]:
    used = {name: secrets[name] for name in sorted(service.secrets)}
    texts = pulumi.Output.all(**used).apply(
        lambda known: configuration.secret_values(service, place, known)
    )
    values = {name: texts[name] for name in configuration.secret_variables(service)}
    # A checksum of 160 random bits tells nothing; as a secret it would hide the whole pod.
    checksum = pulumi.Output.unsecret(texts.apply(configuration.checksum))
    return objects.of_service(service, services, place, values, checksum)


def _outputs(services: list[Service], place: Place) -> dict[str, Any]:
    return {
        "services": {
            service.name: {
                "url": f"http://{place.address(service.name, service.ports[0])}",
                "ui": service.ui or "",
                "role": service.role,
                "version": version(service.image),
            }
            for service in services
        }
    }
