"""The state of every service of a stack: what the supervisor and the service itself say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.services import serving
from infra.targets.processes import health, history, supervisor
from slipway.models import served
from slipway.operations.target import Process, ServiceState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.home import StackDir
    from slipway.stack.running import Running


def states(running: Running, stack: StackDir) -> list[ServiceState]:
    """The state of each service, in the order in which they are listed."""
    supervised = supervisor.states(stack)
    return [_state(running, stack, name, supervised.get(name)) for name in running.services]


def _state(
    running: Running, stack: StackDir, name: str, process: supervisor.Supervised | None
) -> ServiceState:
    service = running.services[name]
    ends = history.exits(stack, name)
    state = _word(process, service)
    model = served.ask(running) if name == serving.NAME and state == "up" else None
    trouble = model.trouble if model else ""
    if state == "up" and not model:
        trouble = _health_error(service)
    return ServiceState(
        name=name,
        state="not ready" if trouble else state,
        url=service["url"] + service["ui"],
        version=service["version"],
        restarts=len(ends),
        instance=Process(
            pid=process.pid if process else 0,
            seconds=process.seconds if process else 0,
            last_exit=f"{ends[-1].at:%H:%M:%S} {ends[-1].how}" if ends else "",
        ),
        trouble=trouble,
        model=model,
    )


def _word(process: supervisor.Supervised | None, service: Mapping[str, str]) -> str:
    if process is None:
        return "gone"
    if process.state not in {"RUNNING", "STARTING"}:
        return "down"
    return "up" if health.answers(_address(service), None) else "starting"


def _health_error(service: Mapping[str, str]) -> str:
    """Why a service that listens is not well, by its own health check; "" where it is."""
    # The outputs of a stack of an earlier version have no path.
    path = service.get("health", "")
    if not path or health.answers(_address(service), path):
        return ""
    return f"{service['url']}{path} does not answer as it should"


def _address(service: Mapping[str, str]) -> str:
    return service["url"].removeprefix("http://")
