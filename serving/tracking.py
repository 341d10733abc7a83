"""The model registry's side: which release an alias names, over MLflow's REST API.

Owns one question and its answers. It needs nothing of MLflow's package, which takes seconds and
hundreds of megabytes to import.
"""

from typing import Protocol

import httpx
import msgspec
from msgspec import Struct

from serving.cache import Release

_PATH = "/api/2.0/mlflow/registered-models/alias"
# What MLflow answers when the model or the alias does not exist.
_MISSING = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


class TrackingError(Exception):
    """MLflow could not be asked, or did not answer in its own form."""


class Tracking(Protocol):
    """Whoever knows which release is to be served."""

    def release(self) -> Release | None:
        """The release that the alias names now, or None where it names none."""


class _Version(Struct, frozen=True):
    version: str
    source: str


class _Answer(Struct, frozen=True):
    model_version: _Version


class _Error(Struct, frozen=True):
    error_code: str = ""


class Mlflow:
    """Follows one alias of one registered model."""

    def __init__(self, client: httpx.Client, url: str, name: str, alias: str) -> None:
        """Ask the MLflow server at `url` through `client`; nothing is asked yet."""
        self._client = client
        self._url = url.rstrip("/") + _PATH
        self._query = {"name": name, "alias": alias}

    def release(self) -> Release | None:
        """The release that the alias names now, or None where model or alias do not exist.

        Raises:
            TrackingError: MLflow cannot be reached, or answers anything else.
        """
        try:
            response = self._client.get(self._url, params=self._query)
        except httpx.HTTPError as error:
            raise TrackingError(f"{self._url}: {error}") from error
        if response.is_success:
            return self._decode(response.content)
        if self._is_missing(response):
            return None
        raise TrackingError(f"{self._url}: answered {response.status_code}")

    def _decode(self, body: bytes) -> Release:
        try:
            found = msgspec.json.decode(body, type=_Answer).model_version
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TrackingError(f"{self._url}: {error}") from error
        return Release(found.version, found.source)

    @staticmethod
    def _is_missing(response: httpx.Response) -> bool:
        try:
            error = msgspec.json.decode(response.content, type=_Error)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return response.is_client_error and error.error_code in _MISSING
