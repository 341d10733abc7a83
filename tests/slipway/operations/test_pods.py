"""What is the matter with a pod, in one line, for every way that pods fail."""

import pytest

from slipway.operations.cluster import pods


def pod(*containers: dict, conditions: dict | None = None, **status: object) -> dict:
    found = [{"type": name, **more} for name, more in (conditions or {}).items()]
    states = [{"restartCount": 0, "ready": False, **container} for container in containers]
    return {"status": {"conditions": found, "containerStatuses": states, **status}}


def waiting(why: str, message: str = "", **last: object) -> dict:
    found = {"state": {"waiting": {"reason": why, "message": message}}}
    return found | ({"lastState": {"terminated": last}} if last else {})


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            pod(waiting("ImagePullBackOff", 'Back-off pulling image "x:1"')),
            'ImagePullBackOff: Back-off pulling image "x:1"',
        ),
        (
            pod(waiting("CrashLoopBackOff", "back-off 5m0s", exitCode=1, reason="Error")),
            "CrashLoopBackOff: last exit code 1",
        ),
        (
            pod(waiting("CrashLoopBackOff", "back-off", exitCode=137, reason="OOMKilled")),
            "CrashLoopBackOff: last exit code 137, OOMKilled",
        ),
        (
            pod(waiting("CreateContainerConfigError", 'secret "web" not found')),
            'CreateContainerConfigError: secret "web" not found',
        ),
        (
            pod(
                conditions={
                    "PodScheduled": {
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/1 nodes are available: 1 Insufficient memory.",
                    }
                }
            ),
            "waits for a node: 0/1 nodes are available: 1 Insufficient memory.",
        ),
        (
            pod(reason="Evicted", message="The node was low on resource: memory.\n"),
            "Evicted: The node was low on resource: memory.",
        ),
        (
            pod({"state": {"running": {}}}),
            "runs, and its readiness probe does not pass yet",
        ),
        (
            pod({"state": {"terminated": {"exitCode": 2, "reason": "Error"}}}),
            "ended: last exit code 2",
        ),
        (pod({"state": {"running": {}}, "ready": True}), ""),
        (pod(waiting("ContainerCreating")), ""),
        (pod(), ""),
    ],
)
def test_a_pod_s_trouble_is_one_line(found: dict, line: str) -> None:
    """The reason, and what the cluster says of it; nothing for a pod that only begins."""
    assert pods.trouble(found) == line


def test_an_init_container_that_fails_is_the_pod_s_trouble() -> None:
    """The others wait for it, and say nothing."""
    found = pod(waiting("PodInitializing"))
    found["status"]["initContainerStatuses"] = [
        {"restartCount": 3, "ready": False, **waiting("ErrImagePull", "not found")}
    ]

    assert pods.trouble(found) == "ErrImagePull: not found"
    assert pods.restarts(found) == 3
    assert not pods.ready(found)
