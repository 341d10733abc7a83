"""A stack that is up, as its clients see it: addresses, credentials, model registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from infra.errors import SlipwayError
from slipway.exits import NotUpError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 10.0


@dataclass(frozen=True)
class Champion:
    """The released version of a model: its number, digest, and the tags of its version."""

    version: str
    digest: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Running:
    """The outputs of a stack, read."""

    services: Mapping[str, Mapping[str, str]]
    secrets: Mapping[str, str]

    @classmethod
    def of(cls, outputs: Mapping[str, Any], stack: str) -> Running:
        """What a stack's outputs say.

        Raises:
            NotUpError: there are none.
        """
        if not outputs.get("services"):
            raise NotUpError(f"stack {stack} is not up: run `slipway up`")
        return cls(outputs["services"], outputs["secrets"])

    def url(self, service: str) -> str:
        """Where a service answers."""
        return self.services[service]["url"]

    def step_environment(self) -> dict[str, str]:
        """What pipeline steps of this machine find in their environment."""
        from infra.service import render  # noqa: PLC0415 - keeps --help quick
        from infra.services import steps  # noqa: PLC0415 - as above
        from infra.settings import Settings  # noqa: PLC0415 - as above

        texts = steps.environment(Settings())
        return {name: render(text, self._fill) for name, text in texts.items()}

    def _fill(self, kind: str, what: str) -> str:
        if kind == "secret":
            return self.secrets[what]
        return self.url(what.split("/", maxsplit=1)[0]).removeprefix("http://")

    def champion(self, model: str, alias: str) -> Champion | None:
        """The version that `alias` of `model` points at; None if nothing is released yet."""
        path = "/api/2.0/mlflow/registered-models/alias"
        answer = ask(f"{self.url('tracking')}{path}", params={"name": model, "alias": alias})
        if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.BAD_REQUEST}:
            return None
        version = answer.raise_for_status().json()["model_version"]
        tags = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
        return Champion(version["version"], tags.get("digest", ""), tags)


def ask(url: str, **parameters: Any) -> httpx.Response:
    """The answer of a service, whatever its status.

    Raises:
        SlipwayError: it does not answer.
    """
    try:
        return httpx.get(url, timeout=_SECONDS, **parameters)
    except httpx.HTTPError as error:
        raise SlipwayError(f"{url} does not answer ({error}): see `slipway status`") from None
