"""Logs of a run's steps on a cluster, from their pods, and what the steps returned.

KFP's own endpoint for logs asks for them in no namespace and cannot answer. Its launcher writes
what a step returned to the step's log: its other record is a database of its own.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from infra.clusters.connection import Connection

_NODE: Final = "workflows.argoproj.io/node-name"
_EXECUTOR: Final = re.compile(r"\.(?P<step>[^.]+)\.executor(\(\d+\))?$")
_RETURNED: Final = "ExecutorOutput: "


def read(connection: Connection, namespace: str, run_id: str) -> dict[str, str]:
    """The log of each step that has a pod, by step; of a step tried again, the last try's.

    Raises:
        ClusterError: the cluster does not answer.
    """
    pods = f"/api/v1/namespaces/{namespace}/pods"
    listed = connection.ask(pods, params={"labelSelector": f"pipeline/runid={run_id}"})
    if not listed.is_success:
        return {}
    logs: dict[str, str] = {}
    for pod in sorted(listed.json()["items"], key=_created):
        if step := step_of(pod):
            log = connection.ask(
                f"{pods}/{pod['metadata']['name']}/log", params={"container": "main"}
            )
            logs[step] = log.text if log.status_code == httpx.codes.OK else ""
    return logs


def step_of(pod: dict[str, Any]) -> str | None:
    """The step that a pod runs; None for one of KFP's own."""
    node = _EXECUTOR.search(pod["metadata"].get("annotations", {}).get(_NODE, ""))
    return node["step"] if node else None


def returned(log: str) -> Any:
    """What the step says it returned; None if nothing."""
    _, marker, tail = log.rpartition(_RETURNED)
    if not marker:
        return None
    try:
        record, _ = json.JSONDecoder().raw_decode(tail)
    except ValueError:
        return None
    return record.get("parameterValues", {}).get("Output")


def _created(pod: dict[str, Any]) -> str:
    return str(pod["metadata"]["creationTimestamp"])
