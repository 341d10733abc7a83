"""The state of every service of a stack: facts first, as plain data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.services import serving
from infra.targets.processes import health, history, supervisor
from slipway.models import served

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infra.home import StackDir
    from slipway.models.served import Served
    from slipway.operations.cluster.status import ServicePods
    from slipway.stack.running import Running


@dataclass(frozen=True)
class ServiceState:
    """One service: `state` is up, not ready, starting, down or gone; seconds; unasked-for ends.

    Up is what answers as it should, the model server with a model: `model` is what it says.
    `trouble` is why a service that runs is not ready.
    """

    name: str
    state: str
    url: str
    version: str
    pid: int
    seconds: int
    restarts: int
    last_exit: str
    trouble: str = ""
    model: Served | None = None

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
            last_exit="" if each.model else each.trouble,
            trouble=each.trouble if each.model else "",
            model=each.model,
        )
        for each in status.states(running)
    ]


def all_up(found: list[ServiceState]) -> bool:
    """Whether every service answers as it should: what a load balancer is told."""
    return all(service.state == "up" for service in found)


def came_up(found: Iterable[ServiceState | ServicePods]) -> bool:
    """Whether every service is up, or is the model server that waits for a first model."""
    return all(each.state == "up" or (each.model and each.model.untrained) for each in found)


def _state(
    running: Running, stack: StackDir, name: str, seen: supervisor.Supervised | None
) -> ServiceState:
    service = running.services[name]
    ends = history.exits(stack, name)
    state = _word(seen, service)
    model = served.ask(running) if name == serving.NAME and state == "up" else None
    trouble = model.trouble if model else ""
    if state == "up" and not model:
        trouble = _ailment(service)
    return ServiceState(
        name=name,
        state="not ready" if trouble else state,
        url=service["url"] + service["ui"],
        version=service["version"],
        pid=seen.pid if seen else 0,
        seconds=seen.seconds if seen else 0,
        restarts=len(ends),
        last_exit=f"{ends[-1].at:%H:%M:%S} {ends[-1].how}" if ends else "",
        trouble=trouble,
        model=model,
    )


def _word(seen: supervisor.Supervised | None, service: Mapping[str, str]) -> str:
    if seen is None:
        return "gone"
    if seen.state not in {"RUNNING", "STARTING"}:
        return "down"
    return "up" if health.answers(_address(service), None) else "starting"


def _ailment(service: Mapping[str, str]) -> str:
    """Why a service that listens is not well, by its own health check; "" where it is."""
    # A stack of an earlier version does not tell the path.
    path = service.get("health", "")
    if not path or health.answers(_address(service), path):
        return ""
    return f"{service['url']}{path} does not answer as it should"


def _address(service: Mapping[str, str]) -> str:
    return service["url"].removeprefix("http://")
