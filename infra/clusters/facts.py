"""What a cluster is, asked of its API server once: facts as plain data, nothing judged.

What may not be asked is None; `preflight` says so.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from infra.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.clusters.connection import Connection

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_KEEPING_PODS_OUT = {"NoSchedule", "NoExecute"}
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_DECIMAL = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_AT_ONCE = 8


@dataclass(frozen=True)
class PolicyRule:
    """One thing that an account may be allowed: a verb on a resource, here or everywhere."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        """As a person would say it."""
        name = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {name}"


@dataclass(frozen=True)
class Room:
    """What the nodes that take our pods have for them: CPU in millicores, memory in MiB."""

    nodes: int
    cpu: int
    memory: int


@dataclass(frozen=True)
class ClusterFacts:
    """A cluster, as its API server describes it to us.

    `storage_classes` by name, true for the default; `groups` of its APIs.
    """

    version: str
    user: str
    groups: frozenset[str]
    missing_rights: tuple[PolicyRule, ...]
    room: Room | None
    storage_classes: dict[str, bool] | None
    gateway_class: bool | None = None


def cluster_facts(
    connection: Connection, rights: Iterable[PolicyRule], gateway_class: str = ""
) -> ClusterFacts:
    """All that `preflight` checks of a cluster.

    Raises:
        ClusterError: it does not answer, or not to us.
    """
    version = _known(connection, "/version")
    groups = frozenset(group["name"] for group in _known(connection, "/apis")["groups"])
    return ClusterFacts(
        version=version["gitVersion"],
        user=_user(connection),
        groups=groups,
        missing_rights=_missing(connection, list(rights)),
        room=_room(_listed(connection, "/api/v1/nodes")),
        storage_classes=_classes(_listed(connection, "/apis/storage.k8s.io/v1/storageclasses")),
        gateway_class=_gateway_class(connection, gateway_class, groups),
    )


def _known(connection: Connection, path: str) -> dict[str, Any]:
    answer = connection.ask(path)
    if not answer.is_success:
        raise ClusterError(
            f"the cluster of context {connection.context} answers {answer.status_code} to {path}:"
            " is this a Kubernetes API server, and may you use it?"
        )
    found: dict[str, Any] = answer.json()
    return found


def _listed(connection: Connection, path: str) -> list[dict[str, Any]] | None:
    answer = connection.ask(path)
    found: list[dict[str, Any]] | None = answer.json()["items"] if answer.is_success else None
    return found


def _user(connection: Connection) -> str:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    answer = connection.ask(path, method="POST", json=review)
    return str(answer.json()["status"]["userInfo"]["username"]) if answer.is_success else ""


def _missing(connection: Connection, rights: list[PolicyRule]) -> tuple[PolicyRule, ...]:
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        allowed = list(workers.map(lambda right: _allowed(connection, right), rights))
    return tuple(right for right, yes in zip(rights, allowed, strict=True) if not yes)


def _allowed(connection: Connection, right: PolicyRule) -> bool:
    attributes = {
        "verb": right.verb,
        "resource": right.resource,
        "group": right.group,
        "namespace": right.namespace,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = connection.ask(path, method="POST", json=review)
    return answer.is_success and bool(answer.json()["status"]["allowed"])


def _room(nodes: list[dict[str, Any]] | None) -> Room | None:
    if nodes is None:
        return None
    usable = [node["status"].get("allocatable", {}) for node in nodes if _takes_pods(node)]
    cpu = sum(quantity(node.get("cpu", "0")) for node in usable)
    memory = sum(quantity(node.get("memory", "0")) for node in usable)
    return Room(len(usable), int(cpu * 1000), int(memory / 2**20))


def _takes_pods(node: dict[str, Any]) -> bool:
    conditions = node["status"].get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    taints = node["spec"].get("taints", [])
    closed = any(taint["effect"] in _KEEPING_PODS_OUT for taint in taints)
    return ready and not closed and not node["spec"].get("unschedulable", False)


def quantity(text: str) -> float:
    """A quantity as Kubernetes writes it: `1930m` -> 1.93, `8Gi` -> 8589934592."""
    for suffix, factor in {**_BINARY, **_DECIMAL}.items():
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * factor
    return float(text)


def _classes(listed: list[dict[str, Any]] | None) -> dict[str, bool] | None:
    if listed is None:
        return None
    return {
        each["metadata"]["name"]: each["metadata"].get("annotations", {}).get(_DEFAULT_CLASS)
        == "true"
        for each in listed
    }


def _gateway_class(connection: Connection, name: str, groups: frozenset[str]) -> bool | None:
    if not name or "gateway.networking.k8s.io" not in groups:
        return None
    answer = connection.ask(f"/apis/gateway.networking.k8s.io/v1/gatewayclasses/{name}")
    return None if answer.status_code == httpx.codes.FORBIDDEN else answer.is_success
