"""`Service`: what one service needs, never how it is run.

A `Service` is plain frozen data that every target understands. Where it depends on
something only a target knows (an address, a folder, a secret), it holds a placeholder
made by `address`, `url`, `data`, `config` or `secret`; `render` fills them in.
This module owns the vocabulary. It does not own any service and starts nothing.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PLACEHOLDER = re.compile(r"@\{([a-z0-9]+):([A-Za-z0-9._/-]*)\}")


def address(service: str, port: str = "http") -> str:
    """Placeholder for `host:port` of a port of a service."""
    return f"@{{address:{service}/{port}}}"


def url(service: str, port: str = "http") -> str:
    """Placeholder for `http://host:port` of a port of a service."""
    return f"http://{address(service, port)}"


def hostname(service: str) -> str:
    """Placeholder for the name of a service, for a client that takes its port apart."""
    return f"@{{hostname:{service}}}"


def port_of(service: str, port: str = "http") -> str:
    """Placeholder for the number of a port of another service."""
    return f"@{{number:{service}/{port}}}"


def host() -> str:
    """Placeholder for the address this service listens on."""
    return "@{host:}"


def port(name: str = "http") -> str:
    """Placeholder for the number of one of this service's own ports."""
    return f"@{{port:{name}}}"


def data(folder: str = "") -> str:
    """Placeholder for this service's durable folder, or one inside it."""
    return f"@{{data:{folder}}}"


def config(name: str = "") -> str:
    """Placeholder for the path of one of this service's files, or their folder."""
    return f"@{{config:{name}}}"


def secret(name: str) -> str:
    """Placeholder for the text of a secret, in the environment or in a file."""
    return f"@{{secret:{name}}}"


def sha256(name: str) -> str:
    """Placeholder for the SHA-256 of a secret, in hex: for who checks it and need not know it."""
    return f"@{{sha256:{name}}}"


def image(name: str) -> str:
    """Placeholder for what a cluster pulls for an image of `infra.versions`, of others' making."""
    return f"@{{image:{name}}}"


def namespace() -> str:
    """Placeholder for the namespace of a cluster that this service stands in."""
    return "@{namespace:}"


def render(text: str, fill: Callable[[str, str], str]) -> str:
    """Text with every placeholder replaced by `fill(kind, argument)`."""
    return PLACEHOLDER.sub(lambda match: fill(match[1], match[2]), text)


def revealed(kind: str, name: str, secrets: Mapping[str, str]) -> str:
    """What a placeholder of a secret stands for.

    Raises:
        KeyError: the secret is not among `secrets`.
    """
    text = secrets[name]
    return hashlib.sha256(text.encode()).hexdigest() if kind == "sha256" else text


def secrets_in(*texts: str) -> frozenset[str]:
    """Names of the secrets that texts refer to, whole or by their hash."""
    return frozenset(
        name
        for text in texts
        for kind, name in PLACEHOLDER.findall(text)
        if kind in {"secret", "sha256"}
    )


@dataclass(frozen=True)
class Health:
    """When a service counts as up: its port accepts, or a path of it answers below 400.

    On Kubernetes it may be a `command` in its container instead, or nothing at all for a
    program that no one can ask. `seconds` bounds the wait after a start, not a request.
    """

    port: str | None = "http"
    path: str | None = None
    command: tuple[str, ...] = ()
    seconds: int = 60


@dataclass(frozen=True)
class Metrics:
    """Where Prometheus scrapes a service."""

    port: str = "http"
    path: str = "/metrics"


@dataclass(frozen=True)
class Data:
    """Durable data: its size in GiB, and folders that exist before the first start."""

    gib: int
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resources:
    """What a service asks for (CPU in millicores, memory in MiB) and its memory limit."""

    cpu: int
    memory: int
    memory_limit: int


@dataclass(frozen=True)
class Scaling:
    """How many copies run; more than `min` only as CPU use (percent) asks for them."""

    min: int = 1
    max: int = 1
    cpu_percent: int = 70


@dataclass(frozen=True)
class PolicyRule:
    """One rule of a Kubernetes Role, for `names` alone if there are any."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Token:
    """A Kubernetes token of the service's account, made for one audience, as a file."""

    path: str
    audience: str
    seconds: int = 3600


_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_NUMBERS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Service:
    """One service of the platform, on any target.

    `command[0]` is a tool of the toolchain or `python`, this project's own interpreter.
    `environment` and `files` may hold placeholders, those of secrets, too.
    `talks_to` names the services it may call; every other way is closed where a target
    can close it. `ui` is what a person opens in a browser, a path on the first port.
    `distribution` is the Python distribution whose version is the service's own.

    For Kubernetes alone: `rights` are what it may do in its own namespace, `tenant_rights`
    what in those of the tenants, `cluster_rights` what in the whole cluster: each needs a
    reason in `infra.policies`; `tokens` it reads as files; `port_numbers` are those that
    others know by number; `step_ports` are the ports that pipeline steps use; `egress_ports` are
    TCP ports that it may call outside of the cluster. Of a service that is `singleton` two
    never run at once, not even while it is changed; one that runs `job` ends when its work
    is done.
    """

    name: str
    command: tuple[str, ...]
    image: str
    health: Health
    resources: Resources
    ports: tuple[str, ...] = ("http",)
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    files: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    data: Data | None = None
    metrics: Metrics | None = None
    scaling: Scaling = Scaling()
    talks_to: tuple[str, ...] = ()
    rights: tuple[PolicyRule, ...] = ()
    tenant_rights: tuple[PolicyRule, ...] = ()
    cluster_rights: tuple[PolicyRule, ...] = ()
    tokens: tuple[Token, ...] = ()
    port_numbers: Mapping[str, int] = field(default_factory=lambda: _NO_NUMBERS)
    step_ports: tuple[str, ...] = ()
    egress_ports: tuple[int, ...] = ()
    singleton: bool = False
    job: bool = False
    ui: str | None = None
    distribution: str | None = None
    role: Literal["store", "tracking", "pipelines", "serving", "monitoring"] = "store"
    stop_seconds: int = 10

    def __post_init__(self) -> None:
        """Refuse a health check or metrics on a port that the service does not have."""
        health = {self.health.port} if self.health.port and not self.health.command else set()
        wanted = health | ({self.metrics.port} if self.metrics else set()) | set(self.step_ports)
        if missing := wanted - set(self.ports):
            raise ValueError(f"service {self.name}: no port named {', '.join(sorted(missing))}")

    @property
    def calls_api_server(self) -> bool:
        """Whether it has rights anywhere, and so a token and a way to the API server."""
        return bool(self.rights or self.tenant_rights or self.cluster_rights)

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the secrets that its environment and its files refer to."""
        return secrets_in(*self.environment.values(), *self.files.values())
