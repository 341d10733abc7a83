"""The way to a cluster's API server: a kubeconfig, and one named context of it.

Owns how a kubeconfig is resolved (the `kubernetes` package does it: files, certificates,
tokens, exec plugins) and what is said when it does not lead anywhere. Does not know what
is asked there.
"""

from __future__ import annotations

import logging
import os
import shlex
import ssl
import weakref
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from infra import external_http
from infra.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_SECONDS = httpx.Timeout(30.0, connect=5.0)


@dataclass(frozen=True)
class Connection:
    """An API server and the credentials for it."""

    context: str
    configuration: Any = field(repr=False)
    kubeconfig: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, kubeconfig: str | None, context: str) -> Connection:
        """The way that `context` of a kubeconfig (a path, or its text) describes.

        Raises:
            ClusterError: it is missing, cannot be read, or has no such context; no
                request was made.
        """
        return cls(context, _configuration(kubeconfig, context), kubeconfig)

    @cached_property
    def client(self) -> httpx.Client:
        """The client of this connection, for all that `ask` asks; it ends with it."""
        client = self.open()
        weakref.finalize(self, client.close)
        return client

    def open(self, path: str = "") -> httpx.Client:
        """A client of its own, whose paths are below `path` of the API server."""
        url = httpx.URL(f"{self.configuration.host}{path}")
        options: dict[str, Any] = {
            "base_url": url,
            "verify": _tls(self.configuration),
            "auth": _Credentials(self.configuration),
            "timeout": _SECONDS,
        }
        # As kubectl does: what is on this machine is never behind a proxy.
        if url.host in _LOOPBACK:
            return httpx.Client(**options, trust_env=False)
        return external_http.client(**options)

    def ask(self, path: str, *, method: str = "GET", **parameters: Any) -> httpx.Response:
        """The API server's answer, whatever its status but 401.

        Raises:
            ClusterError: it does not answer, or does not know who asks.
        """
        try:
            answer = self.client.request(method, path, **parameters)
        except httpx.HTTPError as error:
            raise ClusterError(
                f"the cluster of context {self.context} does not answer at"
                f" {self.configuration.host} ({error or type(error).__name__}): start it, or mend"
                f" the kubeconfig; `{kubectl(self.kubeconfig, self.context, 'get', 'nodes')}`"
                " says the same"
            ) from None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise ClusterError(
                f"the cluster of context {self.context} refuses its credentials (401):"
                " sign in again, or mend the kubeconfig's user"
            )
        return answer


class _Credentials(httpx.Auth):
    """The token as it is now (a plugin's is fetched anew once it has expired), and to whom."""

    def __init__(self, configuration: Any) -> None:
        self._configuration = configuration

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        token = self._configuration.get_api_key_with_prefix("authorization")
        if token:
            request.headers["Authorization"] = token
        if self._configuration.tls_server_name:
            request.extensions["sni_hostname"] = self._configuration.tls_server_name
        yield request


def kubectl(kubeconfig: str | None, context: str, *words: str) -> str:
    """A command that asks the same cluster, for a person's shell.

    A kubeconfig that is no file's is left out: who made it has the context in the usual one, too.
    """
    file = ("--kubeconfig", kubeconfig) if kubeconfig and "\n" not in kubeconfig else ()
    return shlex.join(["kubectl", *file, "--context", context, *words])


def place(kubeconfig: str | None) -> str:
    """Where a kubeconfig is read from, for a person."""
    if kubeconfig and "\n" in kubeconfig:
        return "the stack's kubeconfig"
    return _paths(kubeconfig)


def _paths(kubeconfig: str | None) -> str:
    return kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"


def _configuration(kubeconfig: str | None, context: str) -> Any:
    # PLC0415: the package takes a second to import.
    from kubernetes.client import Configuration  # noqa: PLC0415
    from kubernetes.config import ConfigException  # noqa: PLC0415
    from kubernetes.config.kube_config import KubeConfigLoader  # noqa: PLC0415

    where = place(kubeconfig)
    document, known = _document(kubeconfig, where)
    if context not in known:
        raise ClusterError(
            f"{where} has no context {context!r}; it has {', '.join(known) or 'none'}:"
            " mend slipway:target.context or the kubeconfig"
        )
    configuration = Configuration()
    try:
        with _complaints() as complaints:
            KubeConfigLoader(document, active_context=context).load_and_set(configuration)
    except (ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise ClusterError(f"{where}: context {context} cannot be used: {reason}") from None
    if complaints:
        raise ClusterError(
            f"{where}: the credentials of context {context} cannot be had: {'; '.join(complaints)}"
        )
    return configuration


def _document(kubeconfig: str | None, where: str) -> tuple[Any, list[str]]:
    """The kubeconfig as its package reads it, and the names of its contexts."""
    from kubernetes.config import ConfigException  # noqa: PLC0415 - as above
    from kubernetes.config.kube_config import KubeConfigMerger  # noqa: PLC0415 - as above

    if kubeconfig and "\n" in kubeconfig:
        document = yaml.safe_load(kubeconfig)
        return document, [each["name"] for each in document.get("contexts") or []]
    files = [Path(path).expanduser() for path in where.split(os.pathsep) if path]
    if not any(path.exists() for path in files):
        raise ClusterError(
            f"there is no kubeconfig {where}: name one in slipway:target.kubeconfig or KUBECONFIG"
        )
    try:
        document = KubeConfigMerger(os.pathsep.join(map(str, files))).config
        return document, [each.value["name"] for each in document.value["contexts"]]
    except (ConfigException, OSError, yaml.YAMLError, AttributeError, TypeError, KeyError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise ClusterError(f"kubeconfig {where} cannot be read: {reason}") from None


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What the package only logs of a credential plugin that fails."""
    lines: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        lines.append(" ".join(record.getMessage().split()))
        return False

    root = logging.getLogger()
    root.addFilter(keep)
    try:
        yield lines
    finally:
        root.removeFilter(keep)


def _tls(configuration: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    # Python 3.13 is stricter than Go: many a cluster's own certificate lacks a key identifier.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context
