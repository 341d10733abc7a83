"""The state of every service of a stack: facts first, as plain data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.targets.processes import health, history, supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.home import StackDir
    from slipway.stack.running import Running


@dataclass(frozen=True)
class ServiceState:
    """One service: `state` is up, starting, down or gone; seconds up; unasked-for ends."""

    name: str
    state: str
    url: str
    version: str
    pid: int
    seconds: int
    restarts: int
    last_exit: str

    def as_json(self) -> dict[str, object]:
        """The same, for a script."""
        return dataclasses.asdict(self)


def states(running: Running, stack: StackDir) -> list[ServiceState]:
    """The state of each service, in the order in which they are listed.

    Raises:
        ClusterError: of a stack on a cluster, which does not answer.
    """
    if running.cluster:
        return _on_cluster(running)
    seen = supervisor.states(stack)
    return [_state(running, stack, name, seen.get(name)) for name in running.services]


def _on_cluster(running: Running) -> list[ServiceState]:
    """Those of a cluster's stack; no process of it has a number here, or a beginning."""
    from slipway.operations.cluster import status  # noqa: PLC0415 - only for clusters

    return [
        ServiceState(
            name=each.name,
            state=each.state,
            url=each.url,
            version=each.version,
            pid=0,
            seconds=0,
            restarts=each.restarts,
            last_exit=each.trouble,
        )
        for each in status.states(running)
    ]


def all_up(found: list[ServiceState]) -> bool:
    """Whether every service runs."""
    return all(service.state == "up" for service in found)


def _state(
    running: Running, stack: StackDir, name: str, seen: supervisor.Supervised | None
) -> ServiceState:
    service = running.services[name]
    ends = history.exits(stack, name)
    return ServiceState(
        name=name,
        state=_word(seen, service),
        url=service["url"] + service["ui"],
        version=service["version"],
        pid=seen.pid if seen else 0,
        seconds=seen.seconds if seen else 0,
        restarts=len(ends),
        last_exit=f"{ends[-1].at:%H:%M:%S} {ends[-1].how}" if ends else "",
    )


def _word(seen: supervisor.Supervised | None, service: Mapping[str, str]) -> str:
    if seen is None:
        return "gone"
    if seen.state not in {"RUNNING", "STARTING"}:
        return "down"
    answering = health.answers(service["url"].removeprefix("http://"), None)
    return "up" if answering else "starting"
