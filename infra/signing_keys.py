"""The pair of keys that models are signed and verified with.

Owns the keys' kind and form: elliptic curve P-256, as OpenSSF model signing takes it, in PEM. Where
they are kept is the callers' business; the private one is a secret.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BLOCK: Final = re.compile(r"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL)


class KeyPair(NamedTuple):
    """Both keys as PEM text: PKCS #8 without a password, and SubjectPublicKeyInfo."""

    private_pem: str
    public_pem: str


def make_key_pair() -> KeyPair:
    """Return a new pair; no two calls return the same."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return KeyPair(private.decode(), _public_pem(key))


def public_key_of(private_pem: str) -> str:
    """Return the public key of a private one, both as PEM text.

    Raises:
        ValueError: the text is no private key of an elliptic curve without a password.
    """
    try:
        key = serialization.load_pem_private_key(private_pem.encode(), password=None)
    except TypeError as error:  # so cryptography says that it has a password
        raise ValueError(str(error)) from error
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _public_pem(key)
    raise ValueError("not a key of an elliptic curve")


def signed_with(bundle: bytes, public_pems: Iterable[str]) -> bool:
    """Whether the statement of a model.sig is signed with one of these keys.

    Which files it names is not looked at. A text may hold several keys, one after the other.
    """
    try:
        envelope = json.loads(bundle)["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"])
        kind = str(envelope["payloadType"]).encode()
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
    except (ValueError, KeyError, IndexError, TypeError):
        return False
    # What DSSE v1 signs: https://github.com/secure-systems-lab/dsse, protocol.md.
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    blocks = (block for text in public_pems for block in _BLOCK.findall(text))
    return any(_verifies(block, signature, message) for block in blocks)


def _verifies(public_pem: str, signature: bytes, message: bytes) -> bool:
    try:
        key = serialization.load_pem_public_key(public_pem.encode())
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(signature, message, ec.ECDSA(_HASHES[key.curve.name]()))
    except (ValueError, KeyError, InvalidSignature):
        return False
    return True


_HASHES: Final[dict[str, Callable[[], hashes.HashAlgorithm]]] = {
    "secp256r1": hashes.SHA256,
    "secp384r1": hashes.SHA384,
    "secp521r1": hashes.SHA512,
}
"""The hash that OpenSSF model signing takes with each of its curves."""


def _public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()
