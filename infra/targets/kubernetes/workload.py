"""What keeps a service's pods running: Deployment, StatefulSet or Job, and its volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.targets.kubernetes import pod

if TYPE_CHECKING:
    from infra.service import Data, Service
    from infra.targets.kubernetes.render_context import Manifest, RenderContext

_KEPT_REVISIONS = 3
# What it needs may come up beside it; the kubelet waits longer before each attempt.
_ATTEMPTS = 20


def workload(service: Service, context: RenderContext, secret_checksum: Any) -> Manifest:
    """A Job for what runs once, a StatefulSet where there is durable data, else a Deployment."""
    if service.job:
        return _job(service, context, secret_checksum)
    if service.data:
        return _stateful_set(service, service.data, context, secret_checksum)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": context.metadata(service),
        "spec": {
            **_shared(service, context, secret_checksum),
            "strategy": _strategy(service),
        },
    }


def _job(service: Service, context: RenderContext, secret_checksum: Any) -> Manifest:
    template = pod.template(service, context, secret_checksum)
    template["spec"]["restartPolicy"] = "OnFailure"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": context.metadata(service),
        "spec": {"backoffLimit": _ATTEMPTS, "template": template},
    }


def _strategy(service: Service) -> Manifest:
    if service.singleton:
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def claim(service: Service, context: RenderContext) -> Manifest | None:
    """The volume of a service with one copy, apart from it: to replace it loses nothing."""
    if not service.data or service.scaling.max > 1:
        return None
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        # Many storage classes bind a volume only when its pod is scheduled, and the pod
        # waits for this object: it must not be waited for.
        "metadata": context.metadata(service) | {"annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": _claim_spec(service.data, context),
    }


def _shared(service: Service, context: RenderContext, secret_checksum: Any) -> Manifest:
    scaling = service.scaling
    # Where an autoscaler decides, a number here would undo its work at each `up`.
    replicas = {"replicas": scaling.min} if scaling.max == scaling.min else {}
    return {
        **replicas,
        "revisionHistoryLimit": _KEPT_REVISIONS,
        "selector": {"matchLabels": context.selector(service)},
        "template": pod.template(service, context, secret_checksum),
    }


def _stateful_set(
    service: Service, data: Data, context: RenderContext, secret_checksum: Any
) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": context.metadata(service),
        "spec": {
            **_shared(service, context, secret_checksum),
            "serviceName": service.name,
            "podManagementPolicy": "Parallel",
            **(_own_claims(data, context) if service.scaling.max > 1 else {}),
        },
    }


def _own_claims(data: Data, context: RenderContext) -> Manifest:
    """A volume a copy. One that is scaled away leaves its own to the next of its number.

    It may hold what was not shipped yet: a journal is worth more than the space.
    """
    template = {"metadata": {"name": "data"}, "spec": _claim_spec(data, context)}
    return {
        "volumeClaimTemplates": [template],
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
    }


def _claim_spec(data: Data, context: RenderContext) -> Manifest:
    storage_class = {"storageClassName": context.storage_class} if context.storage_class else {}
    return {
        "accessModes": ["ReadWriteOnce"],
        **storage_class,
        "resources": {"requests": {"storage": f"{data.gib}Gi"}},
    }
