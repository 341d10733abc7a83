"""The state of every service of a cluster's stack: its pods, as the API server has them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.operations.cluster import pods

if TYPE_CHECKING:
    from slipway.stack.running import Running

_NAME = "app.kubernetes.io/name"
_WORKLOADS = ("deployments", "statefulsets", "daemonsets")


@dataclass(frozen=True)
class ServicePods:
    """One service: `state` is up, starting, down or gone; pods ready of those desired."""

    name: str
    state: str
    url: str
    version: str
    ready: int
    desired: int
    restarts: int
    trouble: str

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
    return [
        of_service(running, name, workloads.get(name), [pod for pod in found if _of(pod) == name])
        for name in running.services
    ]


def all_up(found: list[ServicePods]) -> bool:
    """Whether every service has all its pods."""
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
