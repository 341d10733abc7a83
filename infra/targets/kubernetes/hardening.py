"""How every pod is held: written once, so that no service can forget it.

Meets the Pod Security standard *restricted*, and adds a read-only root file system, no
service links and no token but for those with rights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.service import Service
    from infra.targets.kubernetes.render_context import Manifest

# The conventional "nonroot" of images without a user; a name would not do, since the
# kubelet must see that it is not 0.
USER = 65532
SCRATCH = "/tmp"  # noqa: S108 - an emptyDir of the pod's own
_SCRATCH_SIZE = "1Gi"
NAMESPACE_LABELS = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
}


def pod_security(service: Service) -> Manifest:
    """The fields of a pod's spec that hold the pod as a whole."""
    return {
        "serviceAccountName": service.name,
        "automountServiceAccountToken": service.calls_api_server,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            # A large volume is not walked anew at each start.
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def container_security() -> Manifest:
    """The securityContext of every container."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def scratch_volume() -> Manifest:
    """The one place, beside its data, where a container may write; bounded, and forgotten."""
    return {"name": "scratch", "emptyDir": {"sizeLimit": _SCRATCH_SIZE}}


def scratch_mount() -> Manifest:
    """Where the scratch volume stands."""
    return {"name": "scratch", "mountPath": SCRATCH}
