"""The whole control plane: controllers, a scheduler, and nodes that KWOK plays.

On its nodes every pod is ready at once; nothing is really run.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

# What the controllers put into every namespace.
FURNITURE = {
    "/api/v1/serviceaccounts default/default",
    "/api/v1/configmaps default/kube-root-ca.crt",
}
# The label of the nodes that KWOK plays: others may be made by tests.
PLAYED = "slipway.test/played-by"
PLAY = Path(__file__).with_name("fake-nodes.yaml")


@pytest.fixture(scope="session")
def control_plane(api_server, programs, eventually) -> Iterator:
    """The server with its controllers, a scheduler, and two nodes where every pod is ready."""
    programs.require("kube-controller-manager", "kube-scheduler", "kwok")
    folder = api_server.kubeconfig.parent
    with ExitStack() as stack:
        for program, options in controller_options(folder).items():
            reached = [f"--kubeconfig={api_server.kubeconfig}", *options]
            stack.enter_context(programs.running(program, reached, folder / f"{program}.log"))
        api_server.apply_all([storage_class(), *(node(number) for number in range(2))])
        eventually(lambda: not_ready(api_server))
        eventually(lambda: FURNITURE - api_server.everything())
        yield api_server


@pytest.fixture
def accepted(control_plane, everything):
    """That stack, with all its objects made."""
    control_plane.apply_all([*everything.of_cluster, *everything.objects])
    return everything


def controller_options(folder: Path) -> dict[str, list[str]]:
    """None of them listens anywhere, nor waits to be elected."""
    quiet = ["--leader-elect=false", "--secure-port=0"]
    return {
        "kube-controller-manager": [
            *quiet,
            f"--service-account-private-key-file={folder / 'accounts.key'}",
            f"--root-ca-file={folder / 'certificates' / 'apiserver.crt'}",
            "--use-service-account-credentials=true",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            "--horizontal-pod-autoscaler-sync-period=1s",
        ],
        "kube-scheduler": quiet,
        "kwok": [
            f"--manage-nodes-with-label-selector={PLAYED}=kwok",
            "--node-lease-duration-seconds=40",
            f"--config={PLAY}",
        ],
    }


def storage_class() -> dict:
    """The cluster's default: a claim is bound when its pod is scheduled, to what there is."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "standard",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def node(number: int) -> dict:
    """A node, for KWOK to play."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": f"fake-{number}",
            "labels": {
                PLAYED: "kwok",
                "kubernetes.io/hostname": f"fake-{number}",
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": f"zone-{number}",
            },
        },
    }


def not_ready(api_server) -> list[str]:
    """The nodes that are not ready."""
    return [
        item["metadata"]["name"]
        for item in api_server.items("/api/v1/nodes")
        if not any(
            each["type"] == "Ready" and each["status"] == "True"
            for each in item["status"].get("conditions", [])
        )
    ]
