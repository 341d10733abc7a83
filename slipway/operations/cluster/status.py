"""The state of every service of a cluster's stack: its pods, as the API server has them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from infra.services import serving
from slipway.models import served
from slipway.operations.cluster import pods
from slipway.operations.target import Pods, ServiceState

if TYPE_CHECKING:
    from slipway.stack.running import Running

_NAME = "app.kubernetes.io/name"
_WORKLOADS = ("deployments", "statefulsets", "daemonsets")


def states(running: Running) -> list[ServiceState]:
    """The state of each service, in the order in which they are listed.

    Raises:
        ClusterError: the cluster does not answer, or not to us.
    """
    workloads = {
        item["metadata"]["name"]: item for kind in _WORKLOADS for item in _apps(running, kind)
    }
    by_service: dict[str, list[dict[str, Any]]] = {}
    for pod in _pods(running):
        by_service.setdefault(_service_of(pod), []).append(pod)
    return [
        _state(running, name, workloads.get(name), by_service.get(name, []))
        for name in running.services
    ]


def _state(
    running: Running, name: str, workload: dict[str, Any] | None, its_pods: list[dict[str, Any]]
) -> ServiceState:
    """The state of one service from its workload and its pods."""
    service = running.services[name]
    desired = _desired(workload)
    ready = sum(pods.ready(pod) for pod in its_pods)
    troubles = [trouble for pod in its_pods if (trouble := pods.trouble(pod))]
    state = ServiceState(
        name=name,
        state=_word(workload, ready, desired, troubles),
        url=service["url"] + service["ui"],
        version=service["version"],
        restarts=sum(pods.restarts(pod) for pod in its_pods),
        instance=Pods(ready, desired),
        trouble=troubles[0] if troubles and ready < desired else "",
    )
    return _with_model(running, state) if name == serving.NAME and ready else state


def _with_model(running: Running, server: ServiceState) -> ServiceState:
    """The model server with what it says of its model.

    A pod of it is ready without a model, so that a first `up` succeeds.
    """
    model = served.ask(running)
    if model.ready:
        return dataclasses.replace(server, model=model)
    state = "not ready" if server.state == "up" else server.state
    trouble = server.trouble or model.trouble
    return dataclasses.replace(server, state=state, trouble=trouble, model=model)


def pods_of(running: Running, service: str) -> list[dict[str, Any]]:
    """The pods of one service, the youngest first."""
    its_pods = [pod for pod in _pods(running) if _service_of(pod) == service]
    return sorted(its_pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)


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
    path = f"/apis/apps/v1/namespaces/{namespace}/{kind}"
    workloads: list[dict[str, Any]] = running.access.get(path)["items"]
    return workloads


def _pods(running: Running) -> list[dict[str, Any]]:
    namespace = running.cluster["namespace"]
    listing = running.access.get(f"/api/v1/namespaces/{namespace}/pods")
    return [pod for pod in listing["items"] if not pod["metadata"].get("deletionTimestamp")]


def _service_of(pod: dict[str, Any]) -> str:
    return str(pod["metadata"].get("labels", {}).get(_NAME, ""))
