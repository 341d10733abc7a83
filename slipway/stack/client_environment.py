"""What clients on this machine find of a stack that is up: MLflow, the object store, the lake.

Owns the names. A client is a notebook, a script, `aws s3 ls`: it reads and asks; the key that
models are signed with is not for it.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from contracts.variables import LAKE, REGISTRY, TRACKING
from infra.errors import SlipwayError
from infra.services import tracking
from slipway.stack.running import Running, of_stack

if TYPE_CHECKING:
    from infra.home import Home
    from infra.settings.tree import Settings

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


def shell_lines(home: Home, stack: str, settings: Settings) -> list[str]:
    """What a POSIX shell evaluates; nothing where the stack is not up."""
    try:
        running = of_stack(home, stack)
    # `slipway env` is how a shell gets to the tools: it works where they are not there yet.
    except (SlipwayError, OSError):
        return []
    if running.cluster:
        return _on_cluster(stack, settings)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables(running).items()]
    return [f"unset {' '.join(OVERRULING)}", *lines]


def variables(running: Running) -> dict[str, str]:
    """The variables of a stack of processes, by name."""
    known: dict[str, Any] = running.step_environment()
    return {name: known[name] for name in NAMES if name in known}


def _on_cluster(stack: str, settings: Settings) -> list[str]:
    """What can be reached from outside: what the gateway shows."""
    gateway = settings.cluster.gateway if settings.cluster else None
    if gateway is None:
        return [f"# stack {stack} has no gateway: `kubectl port-forward` leads to its services"]
    scheme = "https" if gateway.cluster_issuer else "http"
    url = f"{scheme}://{tracking.NAME}.{gateway.hostname}"
    return [f"export {TRACKING}={shlex.quote(url)}"]
