"""A stack that is up, as its clients see it: addresses, credentials, model registry."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from contracts import api_keys
from infra.errors import SlipwayError
from slipway.exits import NotUpError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from components.registry_oci import Registry
    from components.tracking import Tracking
    from infra.home import Home
    from infra.settings.tree import Settings
    from slipway.stack.cluster_access import ClusterAccess

_SECONDS = 10.0
KEY_VARIABLE = "SLIPWAY_API_KEY"
"""Names a key to the model server that the stack does not have."""


@dataclass(frozen=True)
class Champion:
    """The released version of a model: its number, digest, and the tags of its version."""

    version: str
    digest: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Running:
    """The outputs of a stack, read. `cluster` is the way to it, empty for processes."""

    services: Mapping[str, Mapping[str, str]]
    secrets: Mapping[str, str]
    cluster: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, outputs: Mapping[str, Any], stack: str) -> Running:
        """What a stack's outputs say.

        Raises:
            NotUpError: there are none.
        """
        if not outputs.get("services"):
            raise NotUpError(f"stack {stack} is not up: run `slipway up`")
        return cls(outputs["services"], outputs["secrets"], outputs.get("cluster", {}))

    def url(self, service: str) -> str:
        """Where a service answers."""
        return self.services[service]["url"]

    @cached_property
    def access(self) -> ClusterAccess:
        """The cluster that the stack stands on.

        Raises:
            ClusterError: its kubeconfig or context is not there any more.
        """
        from slipway.stack.cluster_access import ClusterAccess  # noqa: PLC0415 - only for clusters

        return ClusterAccess.of(self.cluster["kubeconfig"], self.cluster["context"])

    def client(self, service: str) -> httpx.Client:
        """A client whose paths are those of a service, wherever it runs; to be closed."""
        client = self._client(service)
        if service == "serving":
            client.headers.update(self._api_key)
        return client

    def _client(self, service: str) -> httpx.Client:
        if not self.cluster:
            # On this machine, with a key in its headers: no proxy of a person's sees it.
            return httpx.Client(base_url=self.url(service), timeout=_SECONDS, trust_env=False)
        port = httpx.URL(self.url(service)).port or 80
        return self.access.service(self.cluster["namespace"], service, port)

    @property
    def _api_key(self) -> dict[str, str]:
        """The environment's key, else the first that the stack made, where there is one.

        Not as `authorization`: a cluster's API server, on the way, takes that for its own.
        """
        if key := os.environ.get(KEY_VARIABLE):
            return {api_keys.HEADER: key}
        keys = sorted(name for name in self.secrets if name.startswith(api_keys.SECRET_PREFIX))
        return {api_keys.HEADER: self.secrets[keys[0]]} if keys else {}

    def ask(self, service: str, path: str, **parameters: Any) -> httpx.Response:
        """The answer of a service, whatever its status.

        Raises:
            SlipwayError: it does not answer.
        """
        with self.client(service) as client:
            return answered(self.url(service), client.get, path, **parameters)

    def step_environment(self, settings: Settings) -> dict[str, str]:
        """What pipeline steps of this machine find in their environment, by the settings."""
        from infra.description import steps  # noqa: PLC0415 - keeps --help quick
        from infra.service import render, secrets_in  # noqa: PLC0415 - as above

        texts = steps.environment(settings)
        return {
            name: render(text, self._fill)
            for name, text in texts.items()
            # A stack that makes no signing key has none to hand out.
            if secrets_in(text) <= self.secrets.keys()
        }

    def _fill(self, kind: str, what: str) -> str:
        if kind == "secret":
            return self.secrets[what]
        return self.url(what.split("/", maxsplit=1)[0]).removeprefix("http://")

    def champion(self, model: str, alias: str) -> Champion | None:
        """The version that `alias` of `model` points at; None if nothing is released yet."""
        with self.tracking() as tracking:
            found = tracking.aliased(model, alias)
        return Champion(found.version, found.digest, found.tags) if found else None

    @contextmanager
    def tracking(self) -> Iterator[Tracking]:
        """MLflow, of whose models none is a tenant's to the command line.

        Raises:
            SlipwayError: it does not answer, or refuses.
        """
        from components.tracking import Tracking  # noqa: PLC0415 - keeps --help quick

        with (
            self._connection("tracking") as client,
            Tracking(self.url("tracking"), client, tenant="") as tracking,
        ):
            yield tracking

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        """The models' registry.

        Raises:
            SlipwayError: it does not answer, or refuses.
        """
        from components.registry_oci import Registry  # noqa: PLC0415 - keeps --help quick

        with (
            self._connection("registry") as client,
            Registry(self.url("registry"), client) as registry,
        ):
            yield registry

    @contextmanager
    def _connection(self, service: str) -> Iterator[httpx.Client]:
        """A client for one that pipeline steps use, too, with its errors as the command line's."""
        from usecases.errors import StepError  # noqa: PLC0415 - keeps --help quick

        try:
            with self.client(service) as client:
                client.event_hooks["response"].append(_refuse_of_api_server)
                yield client
        except StepError as error:
            if isinstance(error.__cause__, httpx.TransportError):
                raise _unanswered(self.url(service), str(error.__cause__)) from None
            raise SlipwayError(f"{error.cause}: {error.remedy}") from None


def of_stack(home: Home, stack: str) -> Running:
    """The stack of that name.

    Raises:
        NotUpError: it is not up, or what is up is another one: from which its folder was copied,
            or that has its name.
    """
    from infra.targets.processes import identity  # noqa: PLC0415 - keeps --help quick
    from slipway.stack import renamed  # noqa: PLC0415 - as above
    from slipway.stack.workspace import outputs  # noqa: PLC0415 - as above

    renamed.require_own(home, stack)
    if identity.is_copy(home.stack(stack).path):
        raise NotUpError(
            f"stack {stack} of {home.path} is a copy and was not up yet: run `slipway up` to give"
            " it services of its own"
        )
    return Running.of(outputs(home, stack), stack)


def answered(
    url: str, send: Callable[..., httpx.Response], path: str, **parameters: Any
) -> httpx.Response:
    """What `send` brings from `path` of the service at `url`.

    Raises:
        SlipwayError: the service does not answer, or the API server before it says so.
    """
    try:
        answer = send(path, **parameters)
    except httpx.HTTPError as error:
        raise _unanswered(url, str(error)) from None
    if _is_of_api_server(answer):
        message = " ".join(answer.json()["message"].split())
        raise SlipwayError(f"{url} does not answer ({message}): see `slipway status`")
    return answer


def _unanswered(url: str, why: str) -> SlipwayError:
    return SlipwayError(f"{url} does not answer ({' '.join(why.split())}): see `slipway status`")


def succeeded(answer: httpx.Response) -> httpx.Response:
    """An answer, if it is one.

    Raises:
        SlipwayError: it is a refusal, or an error; what it says of it.
    """
    if answer.is_success:
        return answer
    text = " ".join(answer.text.split())[:200]
    raise SlipwayError(f"{answer.request.url} answers {answer.status_code}: {text or 'no word'}")


def _refuse_of_api_server(answer: httpx.Response) -> None:
    answer.read()
    if _is_of_api_server(answer):
        raise httpx.ConnectError(answer.json()["message"], request=answer.request)


def _is_of_api_server(answer: httpx.Response) -> bool:
    """Whether a refusal is that of a cluster's API server, which carries requests on."""
    if "/proxy/" not in answer.request.url.path or answer.is_success:
        return False
    try:
        body = answer.json()
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("kind") == "Status" and "message" in body
