"""The logs of a cluster's services: those of their pods, from the API server."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from infra.errors import ClusterError, SettingsError, SlipwayError
from slipway.operations.cluster import pods, status
from slipway.stack.cluster_access import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.stack.running import Running


def lines(running: Running, service: str, count: int, *, follow: bool = False) -> Iterator[str]:
    """The last `count` lines of the youngest pod of a service, and new ones as they come.

    Raises:
        SettingsError: there is no such service.
        SlipwayError: it has no pod.
        ClusterError: there is no log, and why: what is wrong with the pod comes first.
    """
    pod = _pod(running, service)
    name = f"{service} ({pod['metadata']['name']})"
    any_line = False
    try:
        with _log(running, pod, count, follow=follow) as answer:
            if not answer.is_success:
                answer.read()
                raise ClusterError(f"no log of {name}: {pods.trouble(pod) or reason(answer)}")
            for line in answer.iter_lines():
                any_line = True
                yield line
    except httpx.HTTPError as error:
        raise ClusterError(f"the log of {name} broke off: {error}") from None
    if not any_line and (trouble := pods.trouble(pod)):
        raise ClusterError(f"no log of {name}: {trouble}")


@contextmanager
def _log(
    running: Running, pod: dict[str, Any], count: int, *, follow: bool
) -> Iterator[httpx.Response]:
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
    container = pod["spec"]["containers"][0]["name"]
    parameters = {"container": container, "tailLines": str(count), "follow": str(follow).lower()}
    timeout = httpx.Timeout(30.0, connect=5.0, read=None if follow else 30.0)
    with (
        running.access.connection.open() as client,
        client.stream("GET", path, params=parameters, timeout=timeout) as answer,
    ):
        yield answer


def _pod(running: Running, service: str) -> dict[str, Any]:
    if service not in running.services:
        known = ", ".join(running.services)
        raise SettingsError(f"no service {service!r}; there are {known}")
    its_pods = status.pods_of(running, service)
    if not its_pods:
        raise SlipwayError(f"{service} has no pod: see `slipway status`")
    return its_pods[0]
