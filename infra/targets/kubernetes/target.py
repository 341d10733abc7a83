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
    from collections.abc import Mapping

    from infra.clusters.cluster import Cluster
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
        services, steps, target = list(described.services), described.steps, described.cluster
        child = pulumi.ResourceOptions(parent=self)
        pushed = pulumi.ResourceOptions(parent=self, depends_on=list(cluster.push_after))
        images = references(target, pushed)
        context = _place(described, cluster, images).with_services(services)
        after = [*self._definitions(cluster), *self._namespace(context)]
        secrets = stack_secrets.secrets(described, child)
        found = objects.of_runner(
            steps, services, context, secret_values.of_steps(steps, context, secrets)
        )
        KubernetesService("pipeline-steps", found, after, child)
        told: dict[str, Any] = {}
        for service in services:
            manifests = _manifests(service, services, context, secrets)
            made = KubernetesService(service.name, manifests, after, child)
            if service.name == pipelines.API_SERVER and described.settings.pipelines.upload:
                told["pipelines"] = self._pipelines(described, cluster, context, made)
        for each in described.tenants:
            KubernetesTenant(each, services, context, secrets, child)
        for manifest in integrations.of_integrations(described.settings, services, context):
            resource(manifest, pulumi.ResourceOptions(parent=self, depends_on=after))
        self.outputs = _outputs(services, context) | {"secrets": secrets} | told
        self.register_outputs(self.outputs)

    def _definitions(self, cluster: Cluster) -> list[pulumi.Resource]:
        manifests = objects.of_cluster() if cluster.own_custom_resources else []
        return [resource(each, pulumi.ResourceOptions(parent=self)) for each in manifests]

    def _pipelines(
        self,
        described: Description,
        cluster: Cluster,
        context: RenderContext,
        after: pulumi.Resource,
    ) -> dict[str, pulumi.Output[str]]:
        deployment = Deployment(cluster, context.images.of(IMAGES[OURS]), KFP)
        options = pulumi.ResourceOptions(parent=self, depends_on=[after])
        return deploy(described.settings.pipelines.recurring, deployment, options)

    def _namespace(self, context: RenderContext) -> list[pulumi.Resource]:
        made: list[pulumi.Resource] = []
        for manifest in objects.of_namespace(context):
            options = pulumi.ResourceOptions(parent=self, depends_on=list(made))
            made.append(resource(manifest, options))
        return made


def _place(described: Description, cluster: Cluster, images: References) -> RenderContext:
    return RenderContext(
        namespace=cluster.namespace,
        instance=pulumi.get_stack(),
        storage_class=cluster.storage_class,
        api_servers=cluster.api_servers,
        images=images,
        pull_secret=described.cluster.images.pull_secret,
        tenants=tuple(tenant.namespace for tenant in described.tenants),
    )


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
