"""API keys: who may ask, known by the SHA-256 of what they send.

Owns making and comparing keys. Which paths want one is the business of the transports; where the
hashes come from, of the configuration. No key is kept, logged or sent back anywhere.
"""

import hashlib
import hmac
import secrets

from serving.config import ApiKey
from serving.errors import RequestError

_BYTES = 32
_SCHEME = "bearer "
_CHALLENGE = 'Bearer realm="slipway"'


def make_key() -> tuple[str, str]:
    """A new key of 256 random bits, in 43 letters fit for a header, and its SHA-256 in hex."""
    key = secrets.token_urlsafe(_BYTES)
    return key, hash_of(key)


def hash_of(key: str) -> str:
    """The SHA-256 of a key, in hex.

    A slow hash is for passwords, which can be guessed; 256 random bits cannot.
    """
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()


class Keys:
    """The keys of which one must come with a request; without any, none must."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        """Know callers by these."""
        self._keys = tuple((key.name, key.sha256) for key in keys)

    def __bool__(self) -> bool:
        """Whether callers must have a key at all."""
        return bool(self._keys)

    def caller(self, authorization: str | None, x_api_key: str | None) -> str:
        """The name of the key that came, empty where none must.

        Args:
            authorization: the header or metadata of that name; `Bearer <key>` counts.
            x_api_key: that of `x-api-key`, which counts where the first is of another scheme.

        Raises:
            RequestError: 401, with a challenge, where no key came, or one that is not known.
        """
        if not self._keys:
            return ""
        key = _presented(authorization, x_api_key)
        if not key:
            raise _unauthorized(
                "an API key is needed: `authorization: Bearer KEY`, or `x-api-key: KEY`",
                _CHALLENGE,
            )
        name = self._name(hash_of(key))
        if not name:
            raise _unauthorized(
                "the API key is not one of this server's", f'{_CHALLENGE}, error="invalid_token"'
            )
        return name

    def name(self, authorization: str | None, x_api_key: str | None) -> str:
        """The name of the key that came, empty where it is not known; for logs."""
        key = _presented(authorization, x_api_key)
        return self._name(hash_of(key)) if self._keys and key else ""

    def _name(self, sha256: str) -> str:
        """The name of the key with this hash, if any; it takes as long whichever it is, or none."""
        found = ""
        for name, known in self._keys:
            if hmac.compare_digest(known, sha256):
                found = name
        return found


def _unauthorized(message: str, challenge: str) -> RequestError:
    return RequestError(401, message, (("www-authenticate", challenge),))


def _presented(authorization: str | None, x_api_key: str | None) -> str:
    if authorization is not None and authorization[: len(_SCHEME)].lower() == _SCHEME:
        return authorization[len(_SCHEME) :].strip()
    return (x_api_key or "").strip()
