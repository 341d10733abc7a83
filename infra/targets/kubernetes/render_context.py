"""What a service's placeholders mean in a namespace, and the labels its objects carry."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from infra.images.reference import References
from infra.service import render, revealed
from infra.versions import IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infra.service import Service

Manifest = dict[str, Any]

DATA, CONFIG = "/data", "/config"
# Each pod has an address of its own, so a port's name decides its number, but for those
# that others know by number.
PORTS: Mapping[str, int] = MappingProxyType({"http": 8080, "grpc": 8081, "metrics": 9090})
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - the pod's network policies say who may come
_HOMES: Mapping[str, str] = MappingProxyType({"grafana": "/usr/share/grafana"})


@dataclass(frozen=True)
class RenderContext:
    """Where the objects of one stack stand.

    `instance` tells stacks apart that share a cluster; `storage_class` None is the
    cluster's default; `api_servers` is the address range (CIDR) its API servers answer in;
    `numbers` are the ports, by service/port, whose number is not their name's; `platform` is
    the namespace of the services where it is another, `tenants` are those of the tenants;
    `images` says what is pulled for an image, by the Secret `pull_secret` if any.
    """

    namespace: str
    instance: str
    storage_class: str | None = None
    api_servers: str = "0.0.0.0/0"
    numbers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    platform: str | None = None
    tenants: tuple[str, ...] = ()
    images: References = field(default_factory=lambda: References(None, {}))
    pull_secret: str | None = None

    def with_services(self, services: Iterable[Service]) -> RenderContext:
        """This place, with the port numbers of its services."""
        numbers = {
            f"{service.name}/{port}": number
            for service in services
            for port, number in service.port_numbers.items()
        }
        return replace(self, numbers=numbers)

    def of_tenant(self, namespace: str) -> RenderContext:
        """The namespace of a tenant, from where the services are in another."""
        return replace(self, namespace=namespace, platform=self.namespace, tenants=())

    @property
    def home(self) -> str:
        """The namespace of the services."""
        return self.platform or self.namespace

    def number(self, service: str, port: str) -> int:
        """The number of a port of a service.

        Raises:
            ValueError: neither the service nor the port's name sets one.
        """
        if (own := self.numbers.get(f"{service}/{port}")) is not None:
            return own
        if port not in PORTS:
            known = ", ".join(PORTS)
            raise ValueError(
                f"port {service}/{port} has no number on Kubernetes: give the service one in"
                f" port_numbers, or a name of {known}"
            )
        return PORTS[port]

    def address(self, service: str, port: str) -> str:
        """The host:port of a port of a service."""
        return f"{service}.{self.home}.svc:{self.number(service, port)}"

    def text(self, service: Service, text: str, secrets: Mapping[str, str] | None = None) -> str:
        """A text of `service` with its placeholders filled in.

        Raises:
            ValueError: it holds a placeholder that means nothing here.
            KeyError: it refers to a secret that is not in `secrets`.
        """
        return render(text, lambda kind, what: self._fill(service, kind, what, secrets or {}))

    def shared_text(self, text: str, secrets: Mapping[str, str] | None = None) -> str:
        """A text of no service in particular: it knows addresses, secrets and the namespace.

        Raises:
            ValueError: it holds another placeholder.
            KeyError: it refers to a secret that is not in `secrets`.
        """
        return render(text, lambda kind, what: self._fill_shared(kind, what, secrets or {}))

    def common_metadata(self, name: str) -> Manifest:
        """Name, namespace and labels of an object that belongs to no one service."""
        labels = {
            "app.kubernetes.io/instance": self.instance,
            "app.kubernetes.io/part-of": "slipway",
            "app.kubernetes.io/managed-by": "pulumi",
        }
        return {"name": name, "namespace": self.namespace, "labels": labels}

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
            case "port":
                return str(self.number(service.name, what))
            case "host":
                return _EVERYWHERE
            case "data" | "config":
                folder = DATA if kind == "data" else CONFIG
                return f"{folder}/{what}" if what else folder
            case "home" if service.command[0] in _HOMES:
                return _HOMES[service.command[0]]
        try:
            return self._fill_shared(kind, what, secrets)
        except ValueError as error:
            raise ValueError(f"service {service.name}: {error}") from None

    def _fill_shared(self, kind: str, what: str, secrets: Mapping[str, str]) -> str:
        match kind:
            case "address":
                return self.address(*what.split("/", 1))
            case "hostname":
                return f"{what}.{self.home}.svc"
            case "number":
                return str(self.number(*what.split("/", 1)))
            case "secret" | "sha256":
                return revealed(kind, what, secrets)
            case "namespace":
                return self.namespace
            case "image":
                return str(self.images.of(IMAGES[what]))
        raise ValueError(f"nothing here is @{{{kind}:{what}}}")


def version(image: str) -> str:
    """The tag of an image, without its digest, as a label may hold it."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]
