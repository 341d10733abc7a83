"""The services of a cluster as this machine reaches them: through its API server's proxy.

No port is forwarded and nothing is exposed: who may use the kubeconfig's context may ask,
and the API server carries the request to the service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.clusters.connection import Connection
from infra.errors import ClusterError

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True)
class ClusterAccess:
    """A cluster, and the way to what runs in it."""

    connection: Connection

    @classmethod
    def of(cls, kubeconfig: str | None, context: str) -> ClusterAccess:
        """The cluster that `context` of a kubeconfig leads to: a path, or its text.

        None is what KUBECONFIG or the home folder say.

        Raises:
            ClusterError: the kubeconfig or the context is not there; nothing was asked yet.
        """
        return cls(Connection.of(kubeconfig, context))

    def service(self, namespace: str, name: str, port: int | str) -> httpx.Client:
        """A client whose paths are those of a port of a Service, as in `.get("healthz")`.

        The API server keeps the `Authorization` header for itself.
        """
        return self.connection.open(f"/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy")

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """What the API server says of a path, as JSON.

        Raises:
            ClusterError: it does not answer, or answers with an error.
        """
        answer = self.connection.ask(path, **parameters)
        if not answer.is_success:
            raise ClusterError(
                f"cluster of context {self.connection.context}: {path} answers"
                f" {answer.status_code}: {reason(answer)}"
            )
        content: dict[str, Any] = answer.json()
        return content


def reason(answer: httpx.Response) -> str:
    """Why the API server, or a service behind it, refused, in one line."""
    try:
        message = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        message = answer.text[:200]
    return " ".join(str(message).split())
