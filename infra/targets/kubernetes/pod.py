"""The pod of a service: one container, its probes, its volumes."""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from infra.targets.kubernetes import configuration, hardening
from infra.targets.kubernetes.render_context import CONFIG, DATA

if TYPE_CHECKING:
    from infra.service import Service
    from infra.targets.kubernetes.render_context import Manifest, RenderContext

_STARTUP_PERIOD, _READY_PERIOD, _LIVE_PERIOD = 2, 5, 10
_PROBE_TIMEOUT = 5
# A restart loses work: only what was silent for a minute is restarted.
_LIVE_FAILURES = 6
_SPREAD_OVER = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")


def template(service: Service, context: RenderContext, secret_checksum: Any) -> Manifest:
    """The pod template. Its annotations change, and so its pods roll, with what they read.

    `secret_checksum` is a text, or a Pulumi output of one.
    """
    metadata = context.metadata(service)
    return {
        "metadata": {
            "labels": metadata["labels"],
            "annotations": _checksums(service, context, secret_checksum),
        },
        "spec": {
            **hardening.pod_security(service),
            "terminationGracePeriodSeconds": service.stop_seconds,
            **(
                {"imagePullSecrets": [{"name": context.pull_secret}]} if context.pull_secret else {}
            ),
            **_spread(service, context),
            "containers": [_container(service, context)],
            "volumes": _volumes(service),
        },
    }


def _checksums(service: Service, context: RenderContext, secret_checksum: Any) -> Manifest:
    files = {"checksum/config": configuration.config_checksum(service, context)}
    secrets = {"checksum/secret": secret_checksum} if service.secrets else {}
    return {**(files if service.files else {}), **secrets}


def _container(service: Service, context: RenderContext) -> Manifest:
    return {
        "name": service.name,
        "image": context.images.of(service.image),
        "imagePullPolicy": "IfNotPresent",
        # A tool, and python, are on the PATH of their images under the names we know.
        "command": [service.command[0]],
        "args": [context.text(service, word) for word in service.command[1:]],
        "workingDir": DATA if service.data else hardening.SCRATCH,
        "env": configuration.environment(service, context),
        "ports": [
            {"name": port, "containerPort": context.number(service.name, port)}
            for port in service.ports
        ],
        **_probes(service),
        "resources": _resources(service),
        "securityContext": hardening.container_security(),
        "volumeMounts": _mounts(service),
    }


def _resources(service: Service) -> Manifest:
    """No CPU limit: it would slow a service down on a node that has time to spare."""
    requested = service.resources
    return {
        "requests": {"cpu": f"{requested.cpu}m", "memory": f"{requested.memory}Mi"},
        "limits": {"memory": f"{requested.memory_limit}Mi"},
    }


def _probes(service: Service) -> Manifest:
    check = _check(service)
    if not check:
        return {}
    attempts = math.ceil(service.health.seconds / _STARTUP_PERIOD)
    return {
        "startupProbe": check | _timing(_STARTUP_PERIOD, attempts),
        "readinessProbe": check | _timing(_READY_PERIOD, failures=2),
        "livenessProbe": check | _timing(_LIVE_PERIOD, _LIVE_FAILURES),
    }


def _check(service: Service) -> Manifest:
    health = service.health
    if health.command:
        return {"exec": {"command": list(health.command)}}
    if health.port is None:
        return {}
    if health.path is None:
        return {"tcpSocket": {"port": health.port}}
    return {"httpGet": {"path": health.path, "port": health.port}}


def _timing(period: int, failures: int) -> Manifest:
    return {
        "periodSeconds": period,
        "timeoutSeconds": _PROBE_TIMEOUT,
        "failureThreshold": failures,
    }


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
    mounts += [
        {"name": _token_volume(number), "mountPath": str(folder), "readOnly": True}
        for number, (folder, _) in enumerate(_tokens(service))
    ]
    return mounts


def _volumes(service: Service) -> list[Manifest]:
    """All but the data of a service with several copies, which its StatefulSet adds."""
    volumes: list[Manifest] = [hardening.scratch_volume()]
    if service.files:
        volumes.append(configuration.config_volume(service))
    if service.data and service.scaling.max == 1:
        volumes.append({"name": "data", "persistentVolumeClaim": {"claimName": service.name}})
    volumes += [
        {"name": _token_volume(number), "projected": {"sources": [source]}}
        for number, (_, source) in enumerate(_tokens(service))
    ]
    return volumes


def _tokens(service: Service) -> list[tuple[PurePosixPath, Manifest]]:
    """The folder and the source of each token."""
    paths = [(PurePosixPath(token.path), token) for token in service.tokens]
    return [
        (
            path.parent,
            {
                "serviceAccountToken": {
                    "path": path.name,
                    "audience": token.audience,
                    "expirationSeconds": token.seconds,
                }
            },
        )
        for path, token in paths
    ]


def _token_volume(number: int) -> str:
    return f"token-{number}"


def _spread(service: Service, context: RenderContext) -> Manifest:
    if service.scaling.min == 1:
        return {}
    constraints = [
        {
            "maxSkew": 1,
            "topologyKey": key,
            # A cluster of one node or zone still runs all copies.
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": context.selector(service)},
        }
        for key in _SPREAD_OVER
    ]
    return {"topologySpreadConstraints": constraints}
