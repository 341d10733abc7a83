"""What clients on this machine find of a stack that is up: MLflow, the object store, the lake.

Owns the names. A client is a notebook, a script, `aws s3 ls`: it reads and asks; the key that
models are signed with is not for it.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from contracts.variables import LAKE, REGISTRY, TRACKING
from infra.errors import SlipwayError
from infra.services import tracking
from slipway.stack.running import of_stack

if TYPE_CHECKING:
    from infra.home import Home
    from infra.settings.tree import Settings
    from slipway.stack.running import Running

NAMES: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_ALLOW_HTTP",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    TRACKING,
    LAKE,
    REGISTRY,
)
OVERRULING: Final = ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3")
"""Of another store: S3's clients would send them to ours."""


def of_processes(home: Home, stack: str, settings: Settings) -> list[str]:
    """What a POSIX shell evaluates for a stack of processes; nothing where it is not up."""
    running = _running(home, stack)
    if running is None:
        return []
    known = running.step_environment(settings)
    lines = [f"export {name}={shlex.quote(known[name])}" for name in NAMES if name in known]
    return [f"unset {' '.join(OVERRULING)}", *lines]


def of_gateway(home: Home, stack: str, settings: Settings) -> list[str]:
    """The same for a stack on a cluster: what its gateway shows can be reached from outside."""
    if _running(home, stack) is None:
        return []
    gateway = settings.cluster.gateway if settings.cluster else None
    if gateway is None:
        return [f"# stack {stack} has no gateway: `kubectl port-forward` leads to its services"]
    scheme = "https" if gateway.cluster_issuer else "http"
    url = f"{scheme}://{tracking.NAME}.{gateway.hostname}"
    return [f"export {TRACKING}={shlex.quote(url)}"]


def _running(home: Home, stack: str) -> Running | None:
    try:
        return of_stack(home, stack)
    # `slipway env` is how a shell gets to the tools: it works where they are not there yet.
    except (SlipwayError, OSError):
        return None
