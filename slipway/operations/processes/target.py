"""A stack of processes of this machine, as commands use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.errors import SettingsError
from slipway import hints
from slipway.operations import training
from slipway.operations.processes import logs, status, up
from slipway.runs import pipeline_signatures
from slipway.stack import client_environment
from slipway.stack.running import of_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.home import Home
    from infra.settings.tree import Settings
    from slipway.operations.target import ServiceState, Up
    from slipway.progress import Progress
    from slipway.runs.run import RunResult
    from slipway.stack.running import Running


@dataclass(frozen=True)
class ProcessTarget:
    """`Target` on this machine."""

    home: Home
    stack: str
    settings: Settings
    image_registry: None = None

    def running(self) -> Running:
        """As `Target` has it."""
        return of_stack(self.home, self.stack)

    def bring_tools(self, progress: Progress) -> None:
        """As `Target` has it."""
        up.bring_tools(self.home, self.settings, progress)

    def up(self, progress: Progress, *, train: bool) -> Up:
        """As `Target` has it; trains a first model if none is released and `train` is set."""
        return up.provision(self.home, self.stack, self.settings, progress, train=train)

    def down(self, progress: Progress) -> None:
        """As `Target` has it; the tool cache stays."""
        up.destroy(self.home, self.stack, progress)

    def services(self, running: Running) -> list[ServiceState]:
        """As `Target` has it."""
        return status.states(running, self.home.stack(self.stack))

    def log(self, service: str, count: int, *, follow: bool) -> Iterator[str]:
        """As `Target` has it, from the service's file."""
        path = logs.log_file(self.home.stack(self.stack), service)
        yield from logs.last_lines(path, count)
        if follow:
            yield from logs.follow(path)

    def run(
        self, pipeline: str, arguments: Mapping[str, str], progress: Progress, follow: str | None
    ) -> RunResult:
        """As `Target` has it; a run is a child of its command, and ends with it."""
        if follow:
            raise SettingsError(
                f"--follow {follow}: stack {self.stack} is not on a cluster: its runs end with"
                " their command"
            )
        pipeline_signatures.check(pipeline, arguments)
        folder = self.home.stack(self.stack)
        env = training.step_environment(self.running(), self.settings, folder)
        return training.run(pipeline, arguments, folder, env, progress.event)

    def client_lines(self) -> list[str]:
        """As `Target` has it."""
        return client_environment.of_processes(self.home, self.stack, self.settings)

    def next_steps(self, _running: Running) -> list[tuple[str, str]]:
        """As `Target` has it."""
        run = hints.slipway(self.stack, "run", "training", "--set", "months=1-6")
        return [
            (hints.slipway(self.stack, "status"), "each service, its state and restarts"),
            (
                hints.slipway(self.stack, "predict"),
                "one more prediction; --file rows.json for your own",
            ),
            (run, "a model from more data"),
            (
                hints.slipway(self.stack, "traffic"),
                "the versions in service, their shares of requests",
            ),
            (hints.pulumi(self.stack, "preview"), "the same stack with plain Pulumi"),
            (hints.slipway(self.stack, "down"), "destroy all of it"),
        ]
