"""A cluster of kind's as Pulumi resources: the cluster, and its image registry.

The dynamic provider is a shell, as those of processes are: what it does is in `cli`, imported when
it does it, so an edit there is not a change of any cluster.
"""

# PLC0415: importing inside the methods is what keeps the serialized provider empty.
# ruff: noqa: PLC0415

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource

from infra.cluster import Cluster
from infra.clusters.kind import plan as kind_plan
from infra.clusters.kind.plan import Plan
from infra.dynamic import GONE, Shell

if TYPE_CHECKING:
    from infra.settings.target import Kind


class _KindProvider(Shell):
    def create(self, props: dict[str, Any]) -> CreateResult:
        from infra.clusters.kind import cli
        from infra.clusters.kind.plan import Plan

        plan = Plan.of(props)
        return CreateResult(plan.name, _outputs(props, cli.create(plan)))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        from infra.clusters.kind import plan as kind_plan

        replaces = kind_plan.changed(olds, news)
        return DiffResult(
            changes=bool(replaces), replaces=replaces, delete_before_replace=bool(replaces)
        )

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from infra.clusters.kind import cli

        if props["name"] not in cli.names():
            return GONE
        return ReadResult(id_, _outputs(props, cli.kubeconfig(props["name"])))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        from infra.clusters.kind import cli

        cli.delete(props["name"])


class KindCluster(Resource, module="clusters", name="Kind"):
    """A cluster of kind's; its arguments are the fields of `kind_plan.Plan`."""

    kubeconfig: pulumi.Output[str]

    def __init__(self, name: str, plan: Plan, opts: pulumi.ResourceOptions | None = None) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"])
        super().__init__(
            _KindProvider(),
            name,
            asdict(plan) | {"kubeconfig": None},
            pulumi.ResourceOptions.merge(opts, secret),
        )


def cluster(settings: Kind) -> Cluster:
    """The cluster that the settings describe, and the registry beside it, made by the stack."""
    plan = Plan.of_settings(settings)
    kind = KindCluster("kind", plan)
    registry = _registry(plan, kind)
    return Cluster(
        context=plan.context,
        namespace=settings.namespace,
        kubeconfig=kind.kubeconfig,
        storage_class=settings.storage_class,
        api_servers=settings.api_servers,
        own_custom_resources=settings.custom_resources == "own",
        registry=plan.registry,
        push_after=(registry,),
    )


def _registry(plan: Plan, cluster: KindCluster) -> pulumi.Resource:
    import pulumi_docker as docker

    image = docker.RemoteImage("kind-registry", name=kind_plan.registry_image(), keep_locally=True)
    return docker.Container(
        "kind-registry",
        image=image.image_id,
        **kind_plan.registry_container(plan),
        # kind makes the network that both are in.
        opts=pulumi.ResourceOptions(depends_on=[cluster], delete_before_replace=True),
    )


def _outputs(props: dict[str, Any], kubeconfig: str) -> dict[str, Any]:
    return {**asdict(Plan.of(props)), "kubeconfig": kubeconfig}
