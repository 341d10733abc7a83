"""Argo Workflows on Kubernetes: the controller that runs the steps of pipelines as pods."""

from __future__ import annotations

from typing import Final

import yaml

from infra import versions
from infra.service import Health, Metrics, PolicyRule, Resources, Service, image

NAME: Final = "workflow-controller"
_USER: Final = 65532
_GROUP: Final = ("argoproj.io",)


def controller() -> Service:
    """One controller for the namespace. Its files are read by the API, from their ConfigMap."""
    return Service(
        name=NAME,
        command=(
            *("workflow-controller", "--configmap", NAME),
            *("--executor-image", image("argo-executor"), "--namespaced"),
        ),
        image=versions.IMAGES["argo-controller"],
        ports=("metrics", "health"),
        port_numbers={"health": 6060},
        files={"executor": _executor(), "metricsConfig": _metrics()},
        environment={
            # There is one of it, by its strategy of roll-out.
            "LEADER_ELECTION_DISABLE": "true",
            # Its own 10 s are what most of a short pipeline's time goes to.
            "DEFAULT_REQUEUE_TIME": "1s",
        },
        health=Health(port="health", path="/healthz", seconds=120),
        metrics=Metrics(port="metrics"),
        resources=Resources(cpu=30, memory=64, memory_limit=512),
        rights=(
            PolicyRule(("",), ("pods",), ("create", "get", "list", "watch", "patch", "delete")),
            # It stops the container of a step by a command inside; without, a run that was
            # terminated goes on to its end.
            PolicyRule(("",), ("pods/exec",), ("create",)),
            PolicyRule(("",), ("configmaps",), ("get", "list", "watch")),
            PolicyRule(("",), ("events",), ("create", "patch")),
            PolicyRule(
                ("",), ("persistentvolumeclaims",), ("create", "get", "update", "delete")
            ),  # a pipeline's workspace
            # It reads one again when somebody else has changed it meanwhile, as in a retry.
            PolicyRule(_GROUP, ("workflows",), ("get", "list", "watch", "update")),
            PolicyRule(
                _GROUP,
                (
                    "workflowtemplates",
                    "workflowtasksets",
                    "workflowartifactgctasks",
                    "cronworkflows",
                ),
                ("list", "watch"),
            ),
            PolicyRule(_GROUP, ("workflowtaskresults",), ("list", "watch", "deletecollection")),
        ),
        role="pipelines",
        singleton=True,
    )


def _executor() -> str:
    """Without it even the first pod of a run is refused under *restricted*."""
    return yaml.safe_dump(
        {
            "imagePullPolicy": "IfNotPresent",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _USER,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        },
        sort_keys=False,
    )


def _metrics() -> str:
    """Plain HTTP: its own certificate would be one that nobody can check."""
    return yaml.safe_dump(
        {"enabled": True, "path": "/metrics", "port": 9090, "secure": False}, sort_keys=False
    )
