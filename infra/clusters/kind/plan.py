"""What a cluster of kind's is made of, as plain data: its configuration, and the registry's.

The registry is a container beside the nodes. Its name on this machine, `localhost:PORT`,
is told to each node's containerd, so that an image has one name for who pushes and who
pulls, as kind's own documentation of local registries has it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import yaml

from infra.versions import IMAGES, KIND_NODE

if TYPE_CHECKING:
    from infra.target_settings import Kind

# Where the registry's image listens.
REGISTRY_PORT = 5000
_NODE_FOLDER = "/etc/containerd/certs.d"
# Newer node images have it so already; kind documents it for all.
_PATCH = f"""\
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "{_NODE_FOLDER}"
"""


@dataclass(frozen=True)
class Plan:
    """All that makes a cluster of kind's what it is; none of it can be changed later.

    `registry_port` is the registry's on this machine.
    """

    name: str
    image: str
    workers: int
    registry_port: int

    @classmethod
    def of(cls, props: dict[str, Any]) -> Plan:
        """The plan in a resource's properties; Pulumi hands whole numbers over as floats."""
        return cls(
            str(props["name"]),
            str(props["image"]),
            int(props["workers"]),
            int(props["registry_port"]),
        )

    @classmethod
    def of_settings(cls, settings: Kind) -> Plan:
        """The plan that a stack's settings describe."""
        return cls(settings.cluster, KIND_NODE, settings.workers, settings.registry_port)

    @property
    def context(self) -> str:
        """The name that kind gives its context."""
        return f"kind-{self.name}"

    @property
    def registry_name(self) -> str:
        """The registry's container."""
        return f"{self.name}-registry"

    @property
    def hosts_folder(self) -> str:
        """Where a node's containerd looks up the registry's name."""
        return f"{_NODE_FOLDER}/{self.registry}"

    @property
    def registry(self) -> str:
        """Where images are pushed, and what their names begin with."""
        return f"localhost:{self.registry_port}"


def configuration(plan: Plan) -> str:
    """What `kind create cluster --config` reads."""
    roles = ["control-plane", *["worker"] * plan.workers]
    document = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": plan.name,
        "nodes": [{"role": role, "image": plan.image} for role in roles],
        "containerdConfigPatches": [_PATCH],
    }
    return yaml.safe_dump(document, sort_keys=False)


def hosts_file(plan: Plan) -> str:
    """Where a node's containerd finds the registry by the name it has on this machine."""
    return f'[host."http://{plan.registry_name}:{REGISTRY_PORT}"]\n'


def registry_hosting(plan: Plan) -> str:
    """The ConfigMap by which tools find a cluster's local registry (KEP-1755)."""
    hosting = {"host": plan.registry, "help": "https://kind.sigs.k8s.io/docs/user/local-registry/"}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "local-registry-hosting", "namespace": "kube-public"},
            "data": {"localRegistryHosting.v1": yaml.safe_dump(hosting, sort_keys=False)},
        },
        sort_keys=False,
    )


def registry_container(plan: Plan) -> dict[str, Any]:
    """The registry's container: on this machine's loopback, and in kind's own network."""
    return {
        "name": plan.registry_name,
        "restart": "unless-stopped",
        "ports": [
            {"internal": REGISTRY_PORT, "external": plan.registry_port, "ip": "127.0.0.1"},
        ],
        "networks_advanced": [{"name": "kind"}],
    }


def registry_image() -> str:
    """The registry's image, pulled by Docker on this machine."""
    return IMAGES["registry"]


def changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Names of the properties that differ between two plans, given as properties."""
    before, after = asdict(Plan.of(old)), asdict(Plan.of(new))
    return [name for name, value in after.items() if before[name] != value]
