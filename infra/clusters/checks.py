"""Checks a cluster before anything is made in it: gathers facts and applies the rules to them.

Used by `slipway doctor`, by `slipway up`, and by the program itself, so that plain `pulumi
up` is refused as early and in the same words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.clusters import preflight
from infra.clusters.connection import Connection, place
from infra.clusters.facts import cluster_facts
from infra.clusters.kind import host as kind_host
from infra.clusters.kind.plan import Plan
from infra.diagnosis import Diagnosis
from infra.errors import ClusterError
from infra.settings.target import Existing, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.service import Service
    from infra.settings.target import OnKubernetes


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
    diagnoses = examine(target, services, tenants=tenants, kind_comes=kind_comes)
    errors = [_line(diagnosis) for diagnosis in diagnoses if diagnosis.level == "error"]
    if errors:
        raise ClusterError(f"{'; '.join(errors)} (nothing was changed)")


def _kind(
    target: Kind, needed: preflight.Needs, tenants: list[str], *, kind_comes: bool
) -> list[Diagnosis]:
    from infra.clusters.kind import cli  # noqa: PLC0415 - runs programs; data elsewhere

    host = kind_host.facts()
    exists = bool(host.docker and host.kind) and target.cluster in cli.names()
    diagnoses = kind_host.checks(host, needed.memory, exists=exists, kind_comes=kind_comes)
    if not exists:
        return diagnoses
    context = Plan.of_settings(target).context
    kubeconfig = cli.kubeconfig(target.cluster)
    return [*diagnoses, *_cluster(target, needed, tenants, kubeconfig, context)]


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
        facts = cluster_facts(connection, preflight.rights(target, tenants), gateway)
    except ClusterError as error:
        return [Diagnosis("error", "cluster", str(error))]
    connected = Diagnosis("ok", "cluster", f"context {context} of {place(kubeconfig)}")
    return [connected, *preflight.checks(facts, target, needed)]


def _line(error: Diagnosis) -> str:
    detail = f" ({error.detail})" if error.detail else ""
    return f"{error.summary}{detail}" + (f": {error.resolution}" if error.resolution else "")
