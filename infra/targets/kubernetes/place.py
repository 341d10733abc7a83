"""What a service's placeholders mean in a namespace, and the labels its objects carry."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from infra.service import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.service import Service

Manifest = dict[str, Any]

DATA, CONFIG = "/data", "/config"
# Each pod has an address of its own, so a port's name decides its number.
PORTS: Mapping[str, int] = MappingProxyType({"http": 8080, "grpc": 8081, "metrics": 9090})
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - the pod's network policies say who may come
_HOMES: Mapping[str, str] = MappingProxyType({"grafana": "/usr/share/grafana"})


@dataclass(frozen=True)
class Place:
    """Where the objects of one stack stand.

    `instance` tells stacks apart that share a cluster; `storage_class` None is the
    cluster's default; `api_servers` is the address range (CIDR) its API servers answer in.
    """

    namespace: str
    instance: str
    storage_class: str | None = None
    api_servers: str = "0.0.0.0/0"

    def number(self, _service: str, port: str) -> int:
        """The number of a port of a service.

        Raises:
            ValueError: no number is set for its name.
        """
        return number(port)

    def address(self, service: str, port: str) -> str:
        """The host:port of a port of a service."""
        return f"{service}.{self.namespace}.svc:{number(port)}"

    def text(self, service: Service, text: str, secrets: Mapping[str, str] | None = None) -> str:
        """A text of `service` with its placeholders filled in.

        Raises:
            ValueError: it holds a placeholder that means nothing here.
            KeyError: it refers to a secret that is not in `secrets`.
        """
        return render(text, lambda kind, what: self._fill(service, kind, what, secrets or {}))

    def metadata(self, service: Service) -> Manifest:
        """Name, namespace and labels of an object of `service`."""
        labels = {
            **self.selector(service),
            "app.kubernetes.io/version": version(service.image),
            "app.kubernetes.io/component": service.role,
            "app.kubernetes.io/part-of": "slipway",
            "app.kubernetes.io/managed-by": "pulumi",
        }
        return {"name": service.name, "namespace": self.namespace, "labels": labels}

    def selector(self, service: Service) -> dict[str, str]:
        """The labels that pick the pods of `service`; they never change."""
        return self.selector_of(service.name)

    def selector_of(self, name: str) -> dict[str, str]:
        """The labels that pick the pods of the service called `name`."""
        return {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": self.instance}

    def _fill(self, service: Service, kind: str, what: str, secrets: Mapping[str, str]) -> str:
        match kind:
            case "address":
                return self.address(*what.split("/", 1))
            case "port":
                return str(number(what))
            case "host":
                return _EVERYWHERE
            case "data" | "config":
                folder = DATA if kind == "data" else CONFIG
                return f"{folder}/{what}" if what else folder
            case "secret":
                return secrets[what]
            case "home" if service.command[0] in _HOMES:
                return _HOMES[service.command[0]]
        raise ValueError(f"service {service.name}: nothing here is @{{{kind}:{what}}}")


def number(port: str) -> int:
    """The number of every port of that name.

    Raises:
        ValueError: no number is set for the name.
    """
    if port not in PORTS:
        known = ", ".join(PORTS)
        raise ValueError(f"port {port} has no number on Kubernetes: known are {known} ({__name__})")
    return PORTS[port]


def version(image: str) -> str:
    """The tag of an image, without its digest, as a label may hold it."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]
