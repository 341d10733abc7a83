"""Where a stack stands: one interface to what a command does there.

A stack's settings name its target once, and no command asks for it again. A target that is to
come implements `Target`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infra.home import Home
    from infra.settings.tree import Settings
    from slipway.models.served import Served
    from slipway.progress import Progress
    from slipway.runs.run import RunResult
    from slipway.stack.running import Champion, Running


@dataclass(frozen=True)
class Process:
    """A service as a process of this machine: since how many seconds, and how it last ended."""

    pid: int
    seconds: int
    last_exit: str


@dataclass(frozen=True)
class Pods:
    """A service as pods of a cluster: how many take requests, of how many there should be."""

    ready: int
    desired: int


@dataclass(frozen=True)
class ServiceState:
    """One service: `state` is up, not ready, starting, down or gone.

    Up is what answers as it should, the model server with a model: `model` is what it says.
    `restarts` counts ends that nobody asked for; `trouble` is why the service is not up.
    """

    name: str
    state: str
    url: str
    version: str
    restarts: int
    instance: Process | Pods
    trouble: str = ""
    model: Served | None = None

    def as_json(self) -> dict[str, Any]:
        """The same, for a script."""
        fields = dataclasses.asdict(self)
        instance: dict[str, Any] = fields.pop("instance")
        return fields | instance


def all_up(services: Iterable[ServiceState]) -> bool:
    """Whether every service answers as it should: what a load balancer is told."""
    return all(service.state == "up" for service in services)


def came_up(services: Iterable[ServiceState]) -> bool:
    """Whether every service is up, or is the model server that waits for a first model."""
    return all(
        service.state == "up" or (service.model and service.model.untrained) for service in services
    )


@dataclass(frozen=True)
class Release:
    """The champion, if a model is released, and the first training run, if `up` made one."""

    champion: Champion | None
    first_run: RunResult | None


@dataclass(frozen=True)
class Up:
    """A stack that came up; `release` is None where `up` looks after no model."""

    running: Running
    release: Release | None


class Target(Protocol):
    """What commands do with one stack, by where it stands."""

    @property
    def home(self) -> Home:
        """Where state and tools are on this machine."""

    @property
    def stack(self) -> str:
        """The stack's name."""

    @property
    def settings(self) -> Settings:
        """The stack's settings."""

    @property
    def image_registry(self) -> str | None:
        """The private registry that images come from."""

    def bring_tools(self, progress: Progress) -> None:
        """Find, download or build the tools that the settings ask for.

        Raises:
            ToolMissingError: one cannot be had; says how to get it.
        """

    def up(self, progress: Progress, *, train: bool) -> Up:
        """Make the stack what its settings say.

        Raises:
            SlipwayError: what went wrong and how to mend it; the same command goes on from there.
        """

    def down(self, progress: Progress) -> None:
        """Destroy what the stack holds.

        Raises:
            SlipwayError: something could not be deleted.
        """

    def running(self) -> Running:
        """The stack that is up.

        Raises:
            NotUpError: it is not up, or what is up is another one.
        """

    def services(self, running: Running) -> list[ServiceState]:
        """The state of each service, in the order in which they are listed.

        Raises:
            ClusterError: the stack's cluster does not answer.
        """

    def log(self, service: str, count: int, *, follow: bool) -> Iterator[str]:
        """The last `count` lines of a service's log, and new ones as they come.

        Raises:
            SettingsError: there is no such service.
            SlipwayError: there is no log, and why.
        """

    def run(
        self, pipeline: str, arguments: Mapping[str, str], progress: Progress, follow: str | None
    ) -> RunResult:
        """Run a pipeline to its end, or follow the run whose id is `follow`.

        Raises:
            SettingsError: there is no such pipeline or parameter, or no run to follow.
            SlipwayError: the stack is not up, or went away.
        """

    def client_lines(self) -> list[str]:
        """Shell lines by which clients on this machine find the stack; none if it is not up."""

    def next_steps(self, running: Running) -> list[tuple[str, str]]:
        """What to try next on a stack that is up: commands, and what each is for."""


def announce_platform(home: Home, name: str, settings: Settings, progress: Progress) -> None:
    """Begin the part of `up` that changes the platform: what it will refuse is said before."""
    # PLC0415: every command imports this module, and only `up` asks what is served.
    from infra import pulumi_state, untrusted  # noqa: PLC0415
    from slipway import hints  # noqa: PLC0415

    progress.title("Platform")
    for refusal in untrusted.foreseen(settings, pulumi_state.file(home, name)):
        line = f"{refusal.summary}: {refusal.resolution}"
        progress.warning(hints.pasteable(line, name))
