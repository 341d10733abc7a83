"""The model registry's side: aliases, tags and sources of one model, over MLflow's REST API.

Owns two requests and their responses. It needs nothing of MLflow's package, which takes seconds and
hundreds of megabytes to import.
"""

from typing import Any, Protocol, TypeVar

import httpx
import msgspec
from msgspec import Struct, field

from contracts.mlflow_api import ABSENT, MODEL, VERSION
from serving.errors import DECODE_ERRORS

T = TypeVar("T")


class TrackingError(Exception):
    """MLflow cannot be reached, or does not answer in its own form."""


class RegisteredModel(Struct, frozen=True):
    """A registered model, as it is now.

    Attributes:
        created: its creation, milliseconds since the epoch; a model that was deleted and created
            again counts its versions from 1 again.
        aliases: version by alias.
        tags: the registered model's.
    """

    created: int = 0
    aliases: dict[str, str] = {}
    tags: dict[str, str] = {}


class ModelRegistry(Protocol):
    """The model registry, as following needs it."""

    def registered_model(self) -> RegisteredModel:
        """The model's aliases and tags, none where there is no such model.

        Raises:
            TrackingError: it cannot be reached.
        """

    def source(self, version: str) -> str:
        """Where a version's artifact is.

        Raises:
            TrackingError: it cannot be reached, or does not have the version.
        """


class _Alias(Struct, frozen=True):
    alias: str
    version: str


class _Tag(Struct, frozen=True):
    key: str
    value: str = ""


class _Model(Struct, frozen=True):
    name: str
    creation_timestamp: int = 0
    aliases: list[_Alias] = field(default_factory=list)
    tags: list[_Tag] = field(default_factory=list)


class _ModelResponse(Struct, frozen=True):
    registered_model: _Model


class _Version(Struct, frozen=True):
    source: str


class _VersionResponse(Struct, frozen=True):
    model_version: _Version


class _Error(Struct, frozen=True):
    error_code: str = ""


class MlflowRegistry:
    """MLflow's registry, for one registered model."""

    def __init__(self, client: httpx.Client, url: str, name: str) -> None:
        """Use the MLflow server at `url` through `client`; nothing is requested yet."""
        self._client = client
        self._url = url.rstrip("/")
        self._name = name

    def registered_model(self) -> RegisteredModel:
        """The model's aliases and tags, none where it does not exist.

        Raises:
            TrackingError: MLflow cannot be reached, or answers anything else.
        """
        response = self._get(MODEL, {"name": self._name})
        if _is_missing(response):
            return RegisteredModel()
        model = self._decode(MODEL, response, _ModelResponse).registered_model
        aliases = {alias.alias: alias.version for alias in model.aliases}
        tags = {tag.key: tag.value for tag in model.tags}
        return RegisteredModel(model.creation_timestamp, aliases, tags)

    def source(self, version: str) -> str:
        """Where a version's artifact is.

        Raises:
            TrackingError: MLflow cannot be reached, or does not have the version.
        """
        response = self._get(VERSION, {"name": self._name, "version": version})
        return self._decode(VERSION, response, _VersionResponse).model_version.source

    def _get(self, path: str, query: dict[str, str]) -> httpx.Response:
        try:
            return self._client.get(self._url + path, params=query)
        except httpx.HTTPError as error:
            raise TrackingError(f"{self._url}{path}: {error}") from error

    def _decode(self, path: str, response: httpx.Response, form: type[T]) -> T:
        if not response.is_success:
            raise TrackingError(f"{self._url}{path}: answered {response.status_code}")
        try:
            # MLflow writes 64-bit integers as numbers or as text, as its version pleases.
            return msgspec.json.decode(response.content, type=form, strict=False)
        except DECODE_ERRORS as error:
            raise TrackingError(f"{self._url}{path}: {error}") from error


def _is_missing(response: httpx.Response) -> bool:
    if not response.is_client_error:
        return False
    try:
        error: Any = msgspec.json.decode(response.content, type=_Error)
    except DECODE_ERRORS:
        return False
    return bool(error.error_code == ABSENT)
