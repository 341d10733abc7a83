"""The pair of keys that models are signed and verified with.

Owns the keys' kind and form: elliptic curve P-256, as OpenSSF model signing takes it, in PEM. Where
they are kept is the callers' business; the private one is a secret.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


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


def _public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()
