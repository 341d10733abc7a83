"""Key pairs that models are signed with: EC P-256, as PEM texts.

Owns their making and what a text of several public keys is. Signing is the package step's, trust
the model server's.
"""

from __future__ import annotations

import re

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

_PUBLIC_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n?", re.DOTALL)


def new_pair() -> tuple[str, str]:
    """A private key (PKCS 8, not encrypted) and its public key."""
    private = ec.generate_private_key(ec.SECP256R1())
    secret = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return secret.decode(), public.decode()


def newest(public: str) -> str:
    """The first of several public keys; nothing of none."""
    found = _PUBLIC_KEY.search(public)
    return found[0] if found else ""
