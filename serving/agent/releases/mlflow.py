"""The model registry's side: aliases, tags and sources of one model, over MLflow's REST API.

Owns two questions and their answers. It needs nothing of MLflow's package, which takes seconds and
hundreds of megabytes to import.
"""

from typing import Any, Protocol, TypeVar

import httpx
import msgspec
from msgspec import Struct, field

_MODEL = "/api/2.0/mlflow/registered-models/get"
_VERSION = "/api/2.0/mlflow/model-versions/get"
_MISSING = "RESOURCE_DOES_NOT_EXIST"

T = TypeVar("T")


class TrackingError(Exception):
    """MLflow could not be asked, or did not answer in its own form."""


class Registered(Struct, frozen=True):
    """What the model registry says of a model now.

    Attributes:
        created: when it was made, milliseconds since the epoch; a model that was deleted and made
            anew counts its versions anew.
        aliases: version by alias.
        tags: the registered model's.
    """

    created: int = 0
    aliases: dict[str, str] = {}
    tags: dict[str, str] = {}


class Tracking(Protocol):
    """Whoever knows which releases are to be served."""

    def look(self) -> Registered:
        """The model's aliases and tags, none where there is no such model."""

    def source(self, version: str) -> str:
        """Where a version's artifact is."""


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


class _ModelAnswer(Struct, frozen=True):
    registered_model: _Model


class _Version(Struct, frozen=True):
    source: str


class _VersionAnswer(Struct, frozen=True):
    model_version: _Version


class _Error(Struct, frozen=True):
    error_code: str = ""


class Mlflow:
    """Asks for one registered model."""

    def __init__(self, client: httpx.Client, url: str, name: str) -> None:
        """Ask the MLflow server at `url` through `client`; nothing is asked yet."""
        self._client = client
        self._url = url.rstrip("/")
        self._name = name

    def look(self) -> Registered:
        """The model's aliases and tags, none where it does not exist.

        Raises:
            TrackingError: MLflow cannot be reached, or answers anything else.
        """
        response = self._get(_MODEL, {"name": self._name})
        if _is_missing(response):
            return Registered()
        model = self._decode(_MODEL, response, _ModelAnswer).registered_model
        aliases = {each.alias: each.version for each in model.aliases}
        return Registered(
            model.creation_timestamp, aliases, {each.key: each.value for each in model.tags}
        )

    def source(self, version: str) -> str:
        """Where a version's artifact is.

        Raises:
            TrackingError: MLflow cannot be reached, or does not have the version.
        """
        response = self._get(_VERSION, {"name": self._name, "version": version})
        return self._decode(_VERSION, response, _VersionAnswer).model_version.source

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
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise TrackingError(f"{self._url}{path}: {error}") from error


def _is_missing(response: httpx.Response) -> bool:
    if not response.is_client_error:
        return False
    try:
        error: Any = msgspec.json.decode(response.content, type=_Error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return bool(error.error_code == _MISSING)
