"""Stacks on fake nodes: every workload becomes available, and what bounds them holds."""

import pytest

pytestmark = [pytest.mark.cluster]


def test_every_workload_becomes_available(control_plane, accepted, eventually) -> None:
    """All pods are admitted, find their volumes and a node, and every copy is there."""
    control_plane.apply_all(accepted.volumes)

    eventually(lambda: unavailable(control_plane, accepted))

    found = [control_plane.get(control_plane.path(each)) for each in accepted.workloads]
    assert len(found) == len(accepted.workloads) > 5


def test_autoscalers_and_budgets_find_what_they_watch(control_plane, accepted, eventually) -> None:
    """An autoscaler knows its workload, and a budget its pods: neither names another's."""
    control_plane.apply_all(accepted.volumes)
    watched = [each for each in accepted.objects if each["kind"] in CHECKED]

    eventually(
        lambda: {
            control_plane.path(each): found.get("status")
            for each in watched
            if not CHECKED[each["kind"]](found := control_plane.get(control_plane.path(each)))
        }
    )


def knows_its_workload(autoscaler: dict) -> bool:
    conditions = autoscaler.get("status", {}).get("conditions", [])
    return any(each["type"] == "AbleToScale" and each["status"] == "True" for each in conditions)


def knows_its_pods(budget: dict) -> bool:
    return budget.get("status", {}).get("expectedPods", 0) > 0


CHECKED = {"HorizontalPodAutoscaler": knows_its_workload, "PodDisruptionBudget": knows_its_pods}


def unavailable(control_plane, stack) -> dict[str, object]:
    """The workloads that lack a copy, and what they say of it."""
    found = {}
    for each in stack.workloads:
        now = control_plane.get(control_plane.path(each))
        status, wanted = now.get("status", {}), now["spec"]["replicas"]
        seen = status.get("observedGeneration") == now["metadata"]["generation"]
        if not seen or status.get("availableReplicas", 0) < wanted:
            found[each["metadata"]["name"]] = status.get("conditions", status)
    return found
