"""The state of every service of a cluster's stack: its pods, as the API server has them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.services import serving
from slipway.models import served
from slipway.operations.cluster import pods

if TYPE_CHECKING:
    from slipway.models.served import Served
    from slipway.stack.running import Running

_NAME = "app.kubernetes.io/name"
_WORKLOADS = ("deployments", "statefulsets", "daemonsets")


@dataclass(frozen=True)
class ServicePods:
    """One service: `state` is up, not ready, starting, down or gone; pods ready of those desired.

    A pod of the model server is ready without a model, so that a first `up` succeeds; whether
    it serves one is `model`.
    """

    name: str
    state: str
    url: str
    version: str
    ready: int
    desired: int
    restarts: int
    trouble: str
    model: Served | None = None

    def as_json(self) -> dict[str, object]:
        """The same, for a script."""
        return dataclasses.asdict(self)


def states(running: Running) -> list[ServicePods]:
    """The state of each service, in the order in which they are listed.

    Raises:
        ClusterError: the cluster does not answer, or not to us.
    """
    workloads = {
        item["metadata"]["name"]: item for kind in _WORKLOADS for item in _apps(running, kind)
    }
    found = _pods(running)
    states = [
        of_service(running, name, workloads.get(name), [pod for pod in found if _of(pod) == name])
        for name in running.services
    ]
    return [_with_model(running, each) if each.name == serving.NAME else each for each in states]


def all_up(found: list[ServicePods]) -> bool:
    """Whether every service has all its pods, and the model server a model."""
    return all(service.state == "up" for service in found)


def of_service(
    running: Running, name: str, workload: dict[str, Any] | None, found: list[dict[str, Any]]
) -> ServicePods:
    """The state of one service from its workload and its pods."""
    service = running.services[name]
    desired = _desired(workload)
    ready = sum(pods.ready(pod) for pod in found)
    troubles = [said for pod in found if (said := pods.trouble(pod))]
    return ServicePods(
        name=name,
        state=_word(workload, ready, desired, troubles),
        url=service["url"] + service["ui"],
        version=service["version"],
        ready=ready,
        desired=desired,
        restarts=sum(pods.restarts(pod) for pod in found),
        trouble=troubles[0] if troubles and ready < desired else "",
    )


def _with_model(running: Running, server: ServicePods) -> ServicePods:
    """The model server with what it says of its model, once one of its pods is there to ask."""
    if not server.ready:
        return server
    model = served.ask(running)
    if model.ready:
        return dataclasses.replace(server, model=model)
    state = "not ready" if server.state == "up" else server.state
    trouble = server.trouble or model.trouble
    return dataclasses.replace(server, state=state, trouble=trouble, model=model)


def pods_of(running: Running, service: str) -> list[dict[str, Any]]:
    """The pods of one service, the youngest first."""
    found = [pod for pod in _pods(running) if _of(pod) == service]
    return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)


def _word(workload: dict[str, Any] | None, ready: int, desired: int, troubles: list[str]) -> str:
    if workload is None:
        return "gone"
    if ready >= desired:
        return "up"
    return "down" if troubles else "starting"


def _desired(workload: dict[str, Any] | None) -> int:
    if workload is None:
        return 0
    if "replicas" in workload["spec"]:
        return int(workload["spec"]["replicas"])
    return int(workload.get("status", {}).get("desiredNumberScheduled", 0))


def _apps(running: Running, kind: str) -> list[dict[str, Any]]:
    namespace = running.cluster["namespace"]
    found: list[dict[str, Any]] = running.access.get(
        f"/apis/apps/v1/namespaces/{namespace}/{kind}"
    )["items"]
    return found


def _pods(running: Running) -> list[dict[str, Any]]:
    namespace = running.cluster["namespace"]
    found: list[dict[str, Any]] = running.access.get(f"/api/v1/namespaces/{namespace}/pods")[
        "items"
    ]
    return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]


def _of(pod: dict[str, Any]) -> str:
    return str(pod["metadata"].get("labels", {}).get(_NAME, ""))
