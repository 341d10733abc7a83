"""The key that pipelines sign models with, and by what the model server knows the signature.

Owns the names. The platform's own steps alone find the private key: a tenant that had it could
sign what the platform serves.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from contracts import variables
from infra.service import secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.settings.tree import Settings

PRIVATE_KEY, PUBLIC_KEYS = "signing-key", "signing-key-public"
NAMES: Final = frozenset({PRIVATE_KEY, PUBLIC_KEYS})


def step_environment() -> dict[str, str]:
    """What a step signs with: the private key, in PEM.

    It signs whatever the settings ask of the server: they may ask for more tomorrow.
    """
    return {variables.SIGNING_KEY: secret(PRIVATE_KEY)}


def trusted(settings: Settings) -> str:
    """The public keys (PEM, one after the other) that the server trusts; empty asks for none."""
    signing = settings.serving.signing
    if signing.signatures == "off":
        return ""
    others = f"{signing.public_key.strip()}\n" if signing.public_key else ""
    return f"{secret(PUBLIC_KEYS)}{others}"


def inside_json(keys: Iterable[str]) -> str:
    """Public keys, one after the other, as they stand inside of a text of a JSON file."""
    return json.dumps("".join(keys))[1:-1]
