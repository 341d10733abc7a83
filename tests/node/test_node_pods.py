"""The platform's pods as the node runs them."""

import pytest

pytestmark = [pytest.mark.node]


def test_nothing_fell_over_on_the_way(on_node) -> None:
    """Every pod that the node has images of became ready, none by a second start.

    But for MLMD's server, which ends itself while its database is not there yet.
    """
    found = {pod: count for pod, count in on_node.restarts.items() if count}

    assert len(on_node.restarts) == sum(on_node.has(name) for name in on_node.workloads)
    assert [pod for pod in found if not pod.startswith("metadata-grpc-service-")] == []


def test_the_namespace_enforces_restricted(on_node) -> None:
    """It is the standard that the pods were admitted under."""
    labels = on_node.cluster.get("namespace", on_node.cluster.namespace)["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_container_is_held(on_node) -> None:
    """What the API server stored of each pod is what hardening asks for."""
    found = {
        (pod["metadata"]["name"], container["name"]): container["securityContext"]
        for name in on_node.workloads
        for pod in on_node.cluster.pods(name)
        for container in pod["spec"]["containers"]
    }

    assert found
    assert {
        where: held
        for where, held in found.items()
        if held
        != {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
    } == {}


def test_a_process_is_held_by_the_kernel(on_node) -> None:
    """In the container itself: no user but ours, no capability, seccomp, no file but in scratch."""
    on_node.needs("tracking")

    status = dict(line.split(":\t", 1) for line in _python(on_node, _STATUS).splitlines())

    assert set(status["Uid"].split("\t")) == {"65532"}
    assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    with pytest.raises(AssertionError, match="Read-only file system"):
        _python(on_node, "open('/here', 'w')")
    assert _python(on_node, "print(open('/tmp/here', 'w').write('x'))") == "1\n"


def test_no_token_where_there_are_no_rights(on_node) -> None:
    """The cluster's API is not even known to a service that has nothing to ask it."""
    on_node.needs("tracking")

    with pytest.raises(AssertionError, match="No such file or directory"):
        _python(on_node, "open('/var/run/secrets/kubernetes.io/serviceaccount/token')")


_STATUS = "print(open('/proc/self/status').read(), end='')"


def _python(on_node, program: str) -> str:
    """What a line of Python says in the tracking server's container."""
    said: str = on_node.cluster("exec", "deployment/tracking", "--", "python", "-c", program)
    return said
