"""The program that Pulumi runs: settings, services, target, outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from infra.description import describe
from infra.errors import SlipwayError
from infra.home import Home
from infra.settings import reading

if TYPE_CHECKING:
    from infra.cluster import Cluster
    from infra.settings.target import OnKubernetes, Processes
    from infra.settings.tree import Settings


def deploy() -> None:
    """Describe the platform of the running stack to Pulumi.

    Raises:
        pulumi.RunError: something a user can mend, before any resource is touched.
    """
    try:
        chosen = reading.from_pulumi(pulumi.get_stack())
        _warn(chosen)
        outputs = _platform(chosen)
    except SlipwayError as error:
        raise pulumi.RunError(str(error)) from None
    for name, value in outputs.items():
        pulumi.export(name, value)


def _warn(chosen: Settings) -> None:
    """Say in a preview what of the released models would be refused."""
    if not pulumi.runtime.is_dry_run():
        return
    from infra import pulumi_state, untrusted  # noqa: PLC0415 - as below

    stack = pulumi.get_stack()
    state = pulumi_state.file(Home.of_environment(), stack)
    for each in untrusted.foreseen(chosen, state):
        pulumi.warn(f"stack {stack}: {each.summary}: {each.resolution}")


def _platform(chosen: Settings) -> dict[str, Any]:
    if chosen.target.kind == "processes":
        return _on_this_machine(chosen, chosen.target)
    return _on_a_cluster(chosen, chosen.target)


# PLC0415: neither target pays for the other's imports; those of Kubernetes take seconds.


def _on_this_machine(chosen: Settings, target: Processes) -> dict[str, Any]:
    from infra.targets.processes.target import (  # noqa: PLC0415
        ProcessPlatform,
        recorded_tools,
    )

    home = Home.of_environment()
    described = describe(chosen, grafana_at_hand="grafana" in recorded_tools(home.tools))
    return ProcessPlatform("platform", described, target, home).outputs


def _on_a_cluster(chosen: Settings, target: OnKubernetes) -> dict[str, Any]:
    from infra import clusters  # noqa: PLC0415
    from infra.clusters import checks  # noqa: PLC0415
    from infra.targets.kubernetes.target import KubernetesPlatform  # noqa: PLC0415

    described = describe(chosen)
    checks.require(target, described.services, tenants=chosen.tenant_namespaces)
    cluster = clusters.of(target)
    return KubernetesPlatform("platform", described, cluster).outputs | _way_to(cluster)


def _way_to(cluster: Cluster) -> dict[str, Any]:
    """How the command line reaches the cluster; a kubeconfig of kind's is a secret."""
    way = {
        "context": cluster.context,
        "kubeconfig": cluster.kubeconfig,
        "namespace": cluster.namespace,
    }
    return {"cluster": way}
