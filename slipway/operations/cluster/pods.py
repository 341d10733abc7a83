"""What is the matter with a pod, in one line. Pure: a pod as the API has it -> words."""

from __future__ import annotations

from typing import Any

_WAITING_WELL = {"ContainerCreating", "PodInitializing"}
_ENDED_WELL = "Completed"


def trouble(pod: dict[str, Any]) -> str:
    """Why a pod is not ready, "" if it is, or only just begins."""
    status = pod["status"]
    if reason := status.get("reason"):
        return _line(reason, status.get("message", ""))
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return _line("waits for a node", condition.get("message", ""))
    for container in _containers(pod):
        if error := _container(container):
            return error
    return ""


def ready(pod: dict[str, Any]) -> bool:
    """Whether a pod takes requests."""
    conditions = pod["status"].get("conditions", [])
    return any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions
    )


def restarts(pod: dict[str, Any]) -> int:
    """How often the pod's containers were started again."""
    return sum(int(container["restartCount"]) for container in _containers(pod))


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    status = pod["status"]
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def _container(container: dict[str, Any]) -> str:
    state = container.get("state", {})
    waiting = state.get("waiting")
    if waiting and waiting.get("reason") not in _WAITING_WELL:
        ended = container.get("lastState", {}).get("terminated")
        if ended:
            return _line(waiting["reason"], _ended(ended))
        return _line(waiting.get("reason", "waits"), waiting.get("message", ""))
    terminated = state.get("terminated")
    if terminated and terminated.get("reason") != _ENDED_WELL:
        return _line("ended", _ended(terminated))
    if "running" in state and not container["ready"]:
        return "runs, and its readiness probe does not pass yet"
    return ""


def _ended(terminated: dict[str, Any]) -> str:
    reason = terminated.get("reason", "")
    code = terminated.get("exitCode")
    words = [f"exit code {code}", *([reason] if reason not in {"", "Error"} else [])]
    return f"last {', '.join(words)}"


def _line(reason: str, message: str) -> str:
    return f"{reason}: {' '.join(message.split())}" if message else reason
