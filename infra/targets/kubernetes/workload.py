"""What keeps a service's pods running: Deployment, StatefulSet or Job, and its volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.targets.kubernetes import pod

if TYPE_CHECKING:
    from infra.service import Data, Service
    from infra.targets.kubernetes.render_context import Manifest, Place

_KEPT_REVISIONS = 3
# What it needs may come up beside it; the kubelet waits longer before each attempt.
_ATTEMPTS = 20


def workload(service: Service, place: Place, secret_checksum: Any) -> Manifest:
    """A Job for what runs once, a StatefulSet where there is durable data, else a Deployment."""
    if service.once:
        return _job(service, place, secret_checksum)
    if service.data:
        return _stateful_set(service, service.data, place, secret_checksum)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": place.metadata(service),
        "spec": {
            **_shared(service, place, secret_checksum),
            "strategy": _strategy(service),
        },
    }


def _job(service: Service, place: Place, secret_checksum: Any) -> Manifest:
    template = pod.template(service, place, secret_checksum)
    template["spec"]["restartPolicy"] = "OnFailure"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": place.metadata(service),
        "spec": {"backoffLimit": _ATTEMPTS, "template": template},
    }


def _strategy(service: Service) -> Manifest:
    if service.alone:
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def claim(service: Service, place: Place) -> Manifest | None:
    """The volume of a service with one copy, apart from it: to replace it loses nothing."""
    if not service.data or service.scaling.most > 1:
        return None
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        # Many storage classes bind a volume only when its pod is scheduled, and the pod
        # waits for this object: it must not be waited for.
        "metadata": place.metadata(service) | {"annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": _claim_spec(service.data, place),
    }


def _shared(service: Service, place: Place, secret_checksum: Any) -> Manifest:
    scaling = service.scaling
    # Where an autoscaler decides, a number here would undo its work at each `up`.
    replicas = {"replicas": scaling.least} if scaling.most == scaling.least else {}
    return {
        **replicas,
        "revisionHistoryLimit": _KEPT_REVISIONS,
        "selector": {"matchLabels": place.selector(service)},
        "template": pod.template(service, place, secret_checksum),
    }


def _stateful_set(service: Service, data: Data, place: Place, secret_checksum: Any) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": place.metadata(service),
        "spec": {
            **_shared(service, place, secret_checksum),
            "serviceName": service.name,
            "podManagementPolicy": "Parallel",
            **(_own_claims(data, place) if service.scaling.most > 1 else {}),
        },
    }


def _own_claims(data: Data, place: Place) -> Manifest:
    """A volume a copy. One that is scaled away leaves its own to the next of its number.

    It may hold what was not shipped yet: a journal is worth more than the space.
    """
    template = {"metadata": {"name": "data"}, "spec": _claim_spec(data, place)}
    return {
        "volumeClaimTemplates": [template],
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
    }


def _claim_spec(data: Data, place: Place) -> Manifest:
    storage_class = {"storageClassName": place.storage_class} if place.storage_class else {}
    return {
        "accessModes": ["ReadWriteOnce"],
        **storage_class,
        "resources": {"requests": {"storage": f"{data.gib}Gi"}},
    }
