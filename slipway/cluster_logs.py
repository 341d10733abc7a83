"""The logs of a cluster's services: those of their pods, from the API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from infra.errors import ClusterError, SlipwayError
from slipway import cluster_status, pods
from slipway.cluster_access import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.running import Running


def lines(running: Running, service: str, count: int, *, follow: bool = False) -> Iterator[str]:
    """The last `count` lines of the youngest pod of a service, and new ones as they come.

    Raises:
        SlipwayError: there is no such service, or it has no pod.
        ClusterError: the API server does not hand the log out.
    """
    pod = _pod(running, service)
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    container = pod["spec"]["containers"][0]["name"]
    parameters = {"container": container, "tailLines": str(count), "follow": str(follow).lower()}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/log"
    try:
        with (
            running.access.connection.open() as client,
            client.stream("GET", path, params=parameters, timeout=_timeout(follow)) as answer,
        ):
            if not answer.is_success:
                answer.read()
                said = pods.trouble(pod) or reason(answer)
                raise ClusterError(f"no log of {service} ({name}): {said}")
            yield from answer.iter_lines()
    except httpx.HTTPError as error:
        raise ClusterError(f"the log of {service} ({name}) broke off: {error}") from None


def _timeout(follow: bool) -> httpx.Timeout:  # noqa: FBT001 - the caller's own flag
    return httpx.Timeout(30.0, connect=5.0, read=None if follow else 30.0)


def _pod(running: Running, service: str) -> dict[str, Any]:
    if service not in running.services:
        known = ", ".join(running.services)
        raise SlipwayError(f"no service {service!r}; there are {known}")
    found = cluster_status.pods_of(running, service)
    if not found:
        raise SlipwayError(f"{service} has no pod: see `slipway status`")
    return found[0]
