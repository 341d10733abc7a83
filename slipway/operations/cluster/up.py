"""A stack on a cluster, up and down: what `slipway up` and `slipway down` do there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.clusters import checks
from infra.services import all_services
from infra.target_settings import OnKubernetes
from slipway import toolchain
from slipway.stack import lock, plugins, recovery, workspace
from slipway.stack.running import Running

if TYPE_CHECKING:
    from infra.home import Home
    from infra.settings import Settings
    from slipway.progress import Progress


def bring_up(home: Home, name: str, chosen: Settings, progress: Progress) -> Running:
    """Make the stack what its settings say; nothing is touched on a cluster that won't do.

    Raises:
        SlipwayError: what went wrong and how to mend it; the same command goes on from there.
    """
    progress.title("Cluster")
    services = all_services(chosen, grafana_at_hand=True)
    if isinstance(chosen.target, OnKubernetes):
        checks.require(chosen.target, services, tenants=chosen.tenant_namespaces, kind_comes=True)
    with lock.hold(home.lock(name), name, "up"):
        recovery.clear(home, name)
        bring_tools(home, chosen, progress)
        progress.title("Platform")
        return Running.of(workspace.up(home, name, progress.step), name)


def bring_tools(home: Home, chosen: Settings, progress: Progress) -> None:
    """Find or get Pulumi, its provider plugins, and kind where the settings ask for it.

    Raises:
        ToolMissingError: one cannot be had; says how to get it.
    """
    progress.title("Tools")
    names = toolchain.FOR_KIND if chosen.target.kind == "kind" else toolchain.FOR_CLUSTERS
    toolchain.ensure(names, tools_dir=home.tools, progress=progress.tool)
    plugins.ensure(plugins.of_stack(chosen), home, progress.tool)


def take_down(home: Home, name: str, chosen: Settings, progress: Progress) -> None:
    """Destroy what the stack holds in its cluster, and a cluster that it made.

    Raises:
        SlipwayError: the cluster does not answer, or something in it could not be deleted.
    """
    with lock.hold(home.lock(name), name, "down"):
        recovery.clear(home, name)
        if workspace.exists(home, name):
            plugins.ensure(plugins.of_stack(chosen), home, progress.tool)
            workspace.destroy(home, name, progress.step)
        recovery.remove_home(home)


def next_steps(name: str, running: Running) -> list[tuple[str, str]]:
    """What to try next on a stack that is up: commands, and what each is for."""
    cluster = running.cluster
    forward = f"kubectl --context {cluster['context']} -n {cluster['namespace']} port-forward"
    pages = [each for each in ("grafana", "ml-pipeline-ui") if each in running.services]
    return [
        (f"slipway status --stack {name}", "each service, its pods and what is wrong with them"),
        (f"slipway run training --stack {name}", "train a model, judge it, release it"),
        (f"slipway predict --stack {name}", "a prediction of the released model"),
        *((f"{forward} service/{page} 3000:{_port(running, page)}", page) for page in pages),
        (f"slipway down --stack {name}", "destroy all of it"),
    ]


def _port(running: Running, service: str) -> str:
    return running.url(service).rpartition(":")[2]
