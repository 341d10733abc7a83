"""The pod of a service: one container, its probes, its volumes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from infra.targets.kubernetes import configuration, hardening
from infra.targets.kubernetes.place import CONFIG, DATA, number

if TYPE_CHECKING:
    from infra.service import Service
    from infra.targets.kubernetes.place import Manifest, Place

_STARTUP_PERIOD, _READY_PERIOD, _LIVE_PERIOD = 2, 5, 10
_PROBE_TIMEOUT = 5
# A restart loses work: only what was silent for a minute is restarted.
_LIVE_FAILURES = 6
_SPREAD_OVER = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")


def template(service: Service, place: Place, secret_checksum: Any) -> Manifest:
    """The pod template. Its annotations change, and so its pods roll, with what they read.

    `secret_checksum` is a text, or a Pulumi output of one.
    """
    metadata = place.metadata(service)
    return {
        "metadata": {
            "labels": metadata["labels"],
            "annotations": _checksums(service, place, secret_checksum),
        },
        "spec": {
            **hardening.pod_security(service),
            "terminationGracePeriodSeconds": service.stop_seconds,
            **_spread(service, place),
            "containers": [_container(service, place)],
            "volumes": _volumes(service),
        },
    }


def _checksums(service: Service, place: Place, secret_checksum: Any) -> Manifest:
    files = {"checksum/config": configuration.config_checksum(service, place)}
    secrets = {"checksum/secret": secret_checksum} if service.secrets else {}
    return {**(files if service.files else {}), **secrets}


def _container(service: Service, place: Place) -> Manifest:
    return {
        "name": service.name,
        "image": service.image,
        "imagePullPolicy": "IfNotPresent",
        # A tool, and python, are on the PATH of their images under the names we know.
        "command": [service.command[0]],
        "args": [place.text(service, word) for word in service.command[1:]],
        "workingDir": DATA if service.data else hardening.SCRATCH,
        "env": configuration.environment(service, place),
        "ports": [{"name": port, "containerPort": number(port)} for port in service.ports],
        **_probes(service),
        "resources": _resources(service),
        "securityContext": hardening.container_security(),
        "volumeMounts": _mounts(service),
    }


def _resources(service: Service) -> Manifest:
    """No CPU limit: it would slow a service down on a node that has time to spare."""
    asked = service.resources
    return {
        "requests": {"cpu": f"{asked.cpu}m", "memory": f"{asked.memory}Mi"},
        "limits": {"memory": f"{asked.memory_limit}Mi"},
    }


def _probes(service: Service) -> Manifest:
    attempts = math.ceil(service.health.seconds / _STARTUP_PERIOD)
    return {
        "startupProbe": _probe(service, _STARTUP_PERIOD, attempts),
        "readinessProbe": _probe(service, _READY_PERIOD, failures=2),
        "livenessProbe": _probe(service, _LIVE_PERIOD, _LIVE_FAILURES),
    }


def _probe(service: Service, period: int, failures: int) -> Manifest:
    health = service.health
    check = (
        {"tcpSocket": {"port": health.port}}
        if health.path is None
        else {"httpGet": {"path": health.path, "port": health.port}}
    )
    timing = {"periodSeconds": period, "timeoutSeconds": _PROBE_TIMEOUT}
    return {**check, **timing, "failureThreshold": failures}


def _mounts(service: Service) -> list[Manifest]:
    mounts: list[Manifest] = [hardening.scratch_mount()]
    if service.files:
        mounts.append({"name": "config", "mountPath": CONFIG, "readOnly": True})
    if service.data:
        mounts.append({"name": "data", "mountPath": DATA})
        # The kubelet makes a subPath that is not there: no init container is needed.
        mounts += [
            {"name": "data", "mountPath": f"{DATA}/{folder}", "subPath": folder}
            for folder in service.data.folders
        ]
    return mounts


def _volumes(service: Service) -> list[Manifest]:
    """All but the data of a service with several copies, which its StatefulSet adds."""
    volumes: list[Manifest] = [hardening.scratch_volume()]
    if service.files:
        volumes.append(configuration.config_volume(service))
    if service.data and service.scaling.most == 1:
        volumes.append({"name": "data", "persistentVolumeClaim": {"claimName": service.name}})
    return volumes


def _spread(service: Service, place: Place) -> Manifest:
    if service.scaling.least == 1:
        return {}
    constraints = [
        {
            "maxSkew": 1,
            "topologyKey": key,
            # A cluster of one node or zone still runs all copies.
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": place.selector(service)},
        }
        for key in _SPREAD_OVER
    ]
    return {"topologySpreadConstraints": constraints}
