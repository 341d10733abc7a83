"""Services to Kubernetes resources: one component a service, all under one platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes import Provider

from infra.images.build import references
from infra.images.reference import OURS
from infra.kubeflow.deployment import Deployment, deploy
from infra.services import pipelines
from infra.targets import stack_secrets
from infra.targets.kubernetes import configuration, integrations, objects, secret_values
from infra.targets.kubernetes.render_context import RenderContext, version
from infra.targets.kubernetes.resources import resource
from infra.targets.kubernetes.tenant import KubernetesTenant
from infra.versions import IMAGES, KFP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.cluster import Cluster
    from infra.description import Description
    from infra.images.reference import References
    from infra.service import Service
    from infra.targets.kubernetes.render_context import Manifest

_WORKLOADS = frozenset({"Deployment", "Job", "StatefulSet"})


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
        described: Description,
        cluster: Cluster,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        provider = Provider("cluster", kubeconfig=cluster.kubeconfig, context=cluster.context)
        options = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[provider]))
        super().__init__("slipway:kubernetes:Platform", name, {}, options)
        self._described, self._cluster = described, cluster
        self._services = list(described.services)
        self._context = _render_context(described, cluster, self._images())
        self._secrets = stack_secrets.secrets(described, self._child())
        before = [*self._definitions(), *self._namespace()]
        self._steps(before)
        components = {service.name: self._service(service, before) for service in self._services}
        versions = self._pipelines(components)
        self._tenants()
        self._integrations(before)
        self.outputs = _outputs(self._services, self._context) | {"secrets": self._secrets}
        self.outputs |= {"pipelines": versions} if versions else {}
        self.register_outputs(self.outputs)

    def _child(self, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(depends_on))

    def _images(self) -> References:
        return references(self._described.cluster, self._child(self._cluster.push_after))

    def _definitions(self) -> list[pulumi.Resource]:
        manifests = objects.of_cluster() if self._cluster.own_custom_resources else []
        return [resource(manifest, self._child()) for manifest in manifests]

    def _namespace(self) -> list[pulumi.Resource]:
        created: list[pulumi.Resource] = []
        for manifest in objects.of_namespace(self._context):
            created.append(resource(manifest, self._child(created)))
        return created

    def _steps(self, before: list[pulumi.Resource]) -> None:
        steps, context = self._described.steps, self._context
        values = secret_values.of_steps(steps, context, self._secrets)
        manifests = objects.of_runner(steps, self._services, context, values)
        KubernetesService("pipeline-steps", manifests, before, self._child())

    def _service(self, service: Service, before: list[pulumi.Resource]) -> KubernetesService:
        manifests = _manifests(service, self._services, self._context, self._secrets)
        return KubernetesService(service.name, manifests, before, self._child())

    def _pipelines(
        self, components: Mapping[str, pulumi.Resource]
    ) -> dict[str, pulumi.Output[str]]:
        """The version of each pipeline; none where somebody else uploads them."""
        settings = self._described.settings.pipelines
        if pipelines.API_SERVER not in components or not settings.upload:
            return {}
        deployment = Deployment(self._cluster, self._context.images.of(IMAGES[OURS]), KFP)
        options = self._child([components[pipelines.API_SERVER]])
        return deploy(settings.recurring, deployment, options)

    def _tenants(self) -> None:
        for tenant in self._described.tenants:
            KubernetesTenant(tenant, self._services, self._context, self._secrets, self._child())

    def _integrations(self, before: list[pulumi.Resource]) -> None:
        settings = self._described.settings
        for manifest in integrations.of_integrations(settings, self._services, self._context):
            resource(manifest, self._child(before))


def _render_context(described: Description, cluster: Cluster, images: References) -> RenderContext:
    return RenderContext(
        namespace=cluster.namespace,
        instance=pulumi.get_stack(),
        storage_class=cluster.storage_class,
        api_servers=cluster.api_servers,
        images=images,
        pull_secret=described.cluster.images.pull_secret,
        tenants=tuple(tenant.namespace for tenant in described.tenants),
    ).with_services(described.services)


def _manifests(
    service: Service,
    services: list[Service],
    context: RenderContext,
    secrets: Mapping[str, pulumi.Output[str]],
) -> list[Manifest]:
    texts = secret_values.of_service(service, context, secrets)
    values = {name: texts[name] for name in configuration.secret_keys(service)}
    # A checksum of 160 random bits tells nothing; as a secret it would hide the whole pod.
    checksum = pulumi.Output.unsecret(texts.apply(configuration.checksum))
    return objects.of_service(service, services, context, values, checksum)


def _outputs(services: list[Service], context: RenderContext) -> dict[str, Any]:
    return {
        "services": {
            service.name: {
                "url": f"http://{context.address(service.name, service.ports[0])}"
                if service.ports
                else "",
                "ui": service.ui or "",
                "role": service.role,
                "version": version(service.image),
            }
            for service in services
            if not service.job
        }
    }
