"""`Cluster`: all that the Kubernetes target needs to know of a cluster, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi


@dataclass(frozen=True)
class Cluster:
    """A namespace of a cluster, and the way to it.

    `kubeconfig` is a path, its text (of a cluster that the stack makes: a secret output), or
    None for what KUBECONFIG or the home folder say; `context` is the one context of it that
    is used. `storage_class` None is the cluster's default. `api_servers` is the address
    range (CIDR) its API servers answer in. `registry` is where this machine pushes images
    for it, once `push_after` is there; None is no such place.
    `own_custom_resources` says whether the stack makes the definitions of Argo and KFP.
    """

    context: str
    namespace: str
    kubeconfig: str | pulumi.Output[str] | None = None
    storage_class: str | None = None
    api_servers: str = "0.0.0.0/0"
    own_custom_resources: bool = True
    registry: str | None = None
    push_after: tuple[pulumi.Resource, ...] = ()
