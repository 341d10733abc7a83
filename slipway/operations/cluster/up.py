"""A stack on a cluster, up and down: what `slipway up` and `slipway down` do there."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from infra.clusters import checks
from infra.clusters.connection import kubectl
from infra.services import all_services
from slipway import hints, toolchain
from slipway.operations.target import announce_platform
from slipway.stack import lock, plugins, recovery, renamed, workspace
from slipway.stack.running import Running

if TYPE_CHECKING:
    from infra.home import Home
    from infra.settings.tree import Settings
    from slipway.progress import Progress


def provision(home: Home, name: str, settings: Settings, progress: Progress) -> Running:
    """Make the stack what its settings say; nothing is touched on a cluster that won't do.

    Raises:
        SlipwayError: what went wrong and how to mend it; the same command goes on from there.
    """
    progress.title("Cluster")
    services = all_services(settings, grafana_at_hand=True)
    if settings.cluster:
        checks.require(
            settings.cluster, services, tenants=settings.tenant_namespaces, kind_comes=True
        )
    with lock.hold(home.lock(name), name, "up"):
        renamed.require_own(home, name)
        recovery.clear(home, name)
        bring_tools(home, settings, progress)
        announce_platform(home, name, settings, progress)
        return Running.of(workspace.up(home, name, progress.step), name)


def bring_tools(home: Home, settings: Settings, progress: Progress) -> None:
    """Find or get Pulumi, its provider plugins, and kind where the settings ask for it.

    Raises:
        ToolMissingError: one cannot be had; says how to get it.
    """
    progress.title("Tools")
    names = toolchain.FOR_KIND if settings.target.kind == "kind" else toolchain.FOR_CLUSTERS
    toolchain.ensure(names, tools_dir=home.tools, progress=progress.tool)
    home.remember_tools()
    plugins.ensure(plugins.of_stack(settings), home, progress.tool)


def destroy(home: Home, name: str, settings: Settings, progress: Progress) -> None:
    """Destroy what the stack holds in its cluster, and a cluster that it made.

    Raises:
        SlipwayError: the cluster does not answer, or something in it could not be deleted.
    """
    with lock.hold(home.lock(name), name, "down"):
        renamed.require_own(home, name)
        recovery.clear(home, name)
        if workspace.exists(home, name):
            plugins.ensure(plugins.of_stack(settings), home, progress.tool)
            workspace.destroy(home, name, progress.step)
        shutil.rmtree(home.stack(name).path, ignore_errors=True)
        recovery.remove_home(home)


def next_steps(name: str, running: Running) -> list[tuple[str, str]]:
    """What to try next on a stack that is up: commands, and what each is for."""
    pages = [page for page in ("grafana", "ml-pipeline-ui") if page in running.services]
    return [
        (hints.slipway(name, "status"), "each service, its pods and what is wrong with them"),
        (hints.slipway(name, "run", "training"), "train a model, judge it, release it"),
        (hints.slipway(name, "predict"), "a prediction of the released model"),
        *((_forward(running, page), page) for page in pages),
        (hints.slipway(name, "down"), "destroy all of it"),
    ]


def _forward(running: Running, page: str) -> str:
    ports = f"3000:{_port(running, page)}"
    cluster = running.cluster
    words = ("-n", cluster["namespace"], "port-forward", f"service/{page}", ports)
    return kubectl(cluster["kubeconfig"], cluster["context"], *words)


def _port(running: Running, service: str) -> str:
    return running.url(service).rpartition(":")[2]
