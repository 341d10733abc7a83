"""A cluster examined before anything is made in it: asks, and has the answers judged.

Used by `slipway doctor`, by `slipway up`, and by the program itself, so that plain `pulumi
up` is refused as early and in the same words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.clusters import preflight
from infra.clusters.connection import Connection, place
from infra.clusters.facts import survey
from infra.clusters.kind import host as kind_host
from infra.clusters.kind.plan import Plan
from infra.diagnosis import Diagnosis
from infra.errors import ClusterError
from infra.target_settings import Existing, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.service import Service
    from infra.target_settings import OnKubernetes


def examine(
    target: OnKubernetes,
    services: Iterable[Service],
    *,
    tenants: Iterable[str] = (),
    kind_comes: bool = False,
) -> list[Diagnosis]:
    """All findings about the cluster of the settings, or what it would be made with.

    `tenants` are their namespaces. Where `kind_comes`, it may be missing: it is brought next.
    Changes nothing.
    """
    namespaces = list(tenants)
    needed = preflight.needs(services)
    if isinstance(target, Kind):
        return _kind(target, needed, namespaces, kind_comes=kind_comes)
    if isinstance(target, Existing):
        return _cluster(target, needed, namespaces, target.kubeconfig, target.context)
    return []


def require(
    target: OnKubernetes,
    services: Iterable[Service],
    *,
    tenants: Iterable[str] = (),
    kind_comes: bool = False,
) -> None:
    """Refuse a cluster that the platform cannot stand on.

    Raises:
        ClusterError: every finding that must be mended, with its remedy, in one line.
    """
    found = examine(target, services, tenants=tenants, kind_comes=kind_comes)
    wrong = [each for each in found if each.level == "error"]
    if wrong:
        told = "; ".join(_line(each) for each in wrong)
        raise ClusterError(f"{told} (nothing was changed)")


def _kind(
    target: Kind, needed: preflight.Needs, tenants: list[str], *, kind_comes: bool
) -> list[Diagnosis]:
    from infra.clusters.kind import cli  # noqa: PLC0415 - runs programs; data elsewhere

    host = kind_host.look()
    exists = bool(host.docker and host.kind) and target.cluster in cli.names()
    found = kind_host.judge(host, needed, exists=exists, kind_comes=kind_comes)
    if not exists:
        return found
    context = Plan.of_settings(target).context
    kubeconfig = cli.kubeconfig(target.cluster)
    return [*found, *_cluster(target, needed, tenants, kubeconfig, context)]


def _cluster(
    target: OnKubernetes,
    needed: preflight.Needs,
    tenants: list[str],
    kubeconfig: str | None,
    context: str,
) -> list[Diagnosis]:
    gateway = target.gateway.class_name if target.gateway else ""
    try:
        connection = Connection.of(kubeconfig, context)
        found = survey(connection, preflight.rights(target, tenants), gateway)
    except ClusterError as error:
        return [Diagnosis("error", "cluster", str(error))]
    way = Diagnosis("ok", "cluster", f"context {context} of {place(kubeconfig)}")
    return [way, *preflight.judge(found, target, needed)]


def _line(found: Diagnosis) -> str:
    detail = f" ({found.detail})" if found.detail else ""
    return f"{found.summary}{detail}" + (f": {found.resolution}" if found.resolution else "")
