"""Read from release sites: fast to notice that one cannot be reached, and remembering it.

Owns HTTP and nothing of what is read. A site that did not answer once is not asked again
by the same `Sites`, so a machine without network pays for it once.
"""

from __future__ import annotations

import hashlib
import socket
import threading
import urllib.request
from typing import TYPE_CHECKING

import httpx

from infra import external_http
from infra.errors import SlipwayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CONNECT_SECONDS = 3.0
_READ_SECONDS = 30.0
_CHUNK = 1 << 20


class NotServedError(Exception):
    """A site cannot be reached, or does not have the file; says which and why."""


class Sites:
    """Release sites, as one run sees them."""

    def __init__(self) -> None:
        self._open: httpx.Client | None = None
        self._down: dict[str, str] = {}

    def close(self) -> None:
        """Close what is still open to the sites."""
        if self._open:
            self._open.close()

    def text(self, url: str) -> str:
        """The text at an address.

        Raises:
            NotServedError: it cannot be had.
        """
        return self._reading(url, lambda response: response.read().decode(errors="replace"))

    def save(self, url: str, to: Path, progress: Callable[[int, int], None]) -> str:
        """Write the file at an address and return its SHA-256.

        `progress` hears of megabytes written and expected (0 if the site does not say).

        Raises:
            NotServedError: it cannot be had whole.
        """
        return self._reading(url, lambda response: _write(response, to, progress))

    def _reading(self, url: str, read: Callable[[httpx.Response], str]) -> str:
        host = httpx.URL(url).host
        if host in self._down:
            raise NotServedError(self._down[host])
        try:
            _look_up(host)
        except OSError as error:
            raise self._unreachable(host, error) from None
        try:
            with self._client().stream("GET", url) as response:
                response.raise_for_status()
                return read(response)
        except httpx.HTTPStatusError as error:
            code = error.response.status_code
            raise NotServedError(f"{url} answers {code}") from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise self._unreachable(host, error) from None
        except httpx.HTTPError as error:
            raise NotServedError(f"{url} broke off: {error}") from None

    def _client(self) -> httpx.Client:
        if self._open is None:
            timeout = httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
            try:
                self._open = external_http.client(timeout=timeout, follow_redirects=True)
            except SlipwayError as error:
                raise NotServedError(str(error)) from None
        return self._open

    def _unreachable(self, host: str, error: Exception) -> NotServedError:
        reason = getattr(error, "strerror", None) or str(error) or "no answer in time"
        self._down[host] = f"{host} cannot be reached: {reason}"
        return NotServedError(self._down[host])


def _look_up(host: str) -> None:
    """Give up on a name server as soon as on a site: the system itself takes far longer.

    Raises:
        OSError: the name has no address, or none came in time.
    """
    if urllib.request.getproxies():
        return  # the proxy looks names up
    outcome: list[OSError | None] = []

    def look() -> None:
        try:
            socket.getaddrinfo(host, None)
            outcome.append(None)
        except OSError as error:
            outcome.append(error)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(_CONNECT_SECONDS)
    error = outcome[0] if outcome else TimeoutError("the name server does not answer")
    if error:
        raise error


def _write(response: httpx.Response, to: Path, progress: Callable[[int, int], None]) -> str:
    digest = hashlib.sha256()
    expected = int(response.headers.get("content-length", "0")) >> 20
    with to.open("wb") as file:
        for chunk in response.iter_bytes(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
            progress(file.tell() >> 20, expected)
    return digest.hexdigest()
