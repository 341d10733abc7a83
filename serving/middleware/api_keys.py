"""API keys: callers known by the SHA-256 of what they send.

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


class ApiKeys:
    """The keys that callers are known by.

    Attributes:
        required: whether there are any, so that requests need one.
    """

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        """Take the names and hashes of the configuration."""
        self._keys = tuple((key.name, key.sha256) for key in keys)
        self.required = bool(keys)

    def authenticate(self, authorization: str | None, x_api_key: str | None) -> str:
        """The name of the request's key, empty where no request needs one.

        Args:
            authorization: the header or metadata of that name; `Bearer <key>` counts.
            x_api_key: that of `x-api-key`, which counts where the first is of another scheme.

        Raises:
            RequestError: 401, with a challenge, without a key or with an unknown one.
        """
        name = self.name(authorization, x_api_key)
        if name or not self.required:
            return name
        if not _presented(authorization, x_api_key):
            raise _unauthorized(
                "an API key is needed: `authorization: Bearer KEY`, or `x-api-key: KEY`",
                _CHALLENGE,
            )
        raise _unauthorized(
            "the API key is not one of this server's", f'{_CHALLENGE}, error="invalid_token"'
        )

    def name(self, authorization: str | None, x_api_key: str | None) -> str:
        """The name of the request's key, empty where it is unknown."""
        key = _presented(authorization, x_api_key) if self.required else ""
        return self._name(hash_of(key)) if key else ""

    def _name(self, sha256: str) -> str:
        """The name of the key with this hash, if any; in the same time, whichever it is."""
        matching = ""
        for name, known in self._keys:
            if hmac.compare_digest(known, sha256):
                matching = name
        return matching


def _unauthorized(message: str, challenge: str) -> RequestError:
    return RequestError(401, message, (("www-authenticate", challenge),))


def _presented(authorization: str | None, x_api_key: str | None) -> str:
    if authorization is not None and authorization[: len(_SCHEME)].lower() == _SCHEME:
        return authorization[len(_SCHEME) :].strip()
    return (x_api_key or "").strip()
