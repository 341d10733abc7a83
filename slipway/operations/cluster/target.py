"""A stack on a Kubernetes cluster, as commands use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.operations import training
from slipway.operations.cluster import logs, status, up
from slipway.operations.target import Up
from slipway.runs.cluster_run import PipelinesOfStack
from slipway.stack import client_environment, workspace
from slipway.stack.running import of_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.home import Home
    from infra.settings.target import OnKubernetes
    from infra.settings.tree import Settings
    from slipway.operations.target import ServiceState
    from slipway.progress import Progress
    from slipway.runs.run import RunResult
    from slipway.stack.running import Running


@dataclass(frozen=True)
class ClusterTarget:
    """`Target` on a cluster."""

    home: Home
    stack: str
    settings: Settings
    cluster: OnKubernetes

    @property
    def image_registry(self) -> str | None:
        """As `Target` has it."""
        return self.cluster.images.registry

    def running(self) -> Running:
        """As `Target` has it."""
        return of_stack(self.home, self.stack)

    def bring_tools(self, progress: Progress) -> None:
        """As `Target` has it: Pulumi, its provider plugins, and kind where it is asked for."""
        up.bring_tools(self.home, self.settings, progress)

    def up(self, progress: Progress, *, train: bool) -> Up:  # noqa: ARG002 - runs are submitted
        """As `Target` has it; no model is trained, whatever `train` says."""
        return Up(up.provision(self.home, self.stack, self.settings, progress), None)

    def down(self, progress: Progress) -> None:
        """As `Target` has it, and a cluster that the stack made."""
        up.destroy(self.home, self.stack, self.settings, progress)

    def services(self, running: Running) -> list[ServiceState]:
        """As `Target` has it."""
        return status.states(running)

    def log(self, service: str, count: int, *, follow: bool) -> Iterator[str]:
        """As `Target` has it, of the service's youngest pod."""
        return logs.lines(self.running(), service, count, follow=follow)

    def run(
        self, pipeline: str, arguments: Mapping[str, str], progress: Progress, follow: str | None
    ) -> RunResult:
        """As `Target` has it; a run goes on without its command."""
        pipelines = PipelinesOfStack.of(workspace.outputs(self.home, self.stack), self.stack)
        run_id = follow or pipelines.submit(pipeline, arguments)
        folder = self.home.stack(self.stack)
        return training.follow(pipeline, run_id, pipelines, folder, progress)

    def client_lines(self) -> list[str]:
        """As `Target` has it: what the gateway shows."""
        return client_environment.of_gateway(self.home, self.stack, self.settings)

    def next_steps(self, running: Running) -> list[tuple[str, str]]:
        """As `Target` has it."""
        return up.next_steps(self.stack, running)
