"""All secrets of a stack as Pulumi outputs, by the names that services have for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from infra.targets.generated import GeneratedSecret, SigningKey
from infra.wiring import signing

if TYPE_CHECKING:
    from infra.description import Description

    Secrets = dict[str, pulumi.Output[str]]


def secrets(described: Description, opts: pulumi.ResourceOptions) -> Secrets:
    """External secrets, generated ones, and both halves of the signing key."""
    known = described.external_secrets
    external = {name: known[name] for name in described.secrets & known.keys()}
    generated = sorted(described.secrets - known.keys() - signing.NAMES)
    return (
        {name: pulumi.Output.secret(text) for name, text in sorted(external.items())}
        | {name: GeneratedSecret(name, opts).value for name in generated}
        | _signing(described, opts)
    )


def _signing(described: Description, opts: pulumi.ResourceOptions) -> Secrets:
    # Whatever the settings ask for: a key that they could remove would take what it signed along.
    key = SigningKey(described.settings.serving.signing.key, opts)
    return {
        signing.PRIVATE_KEY: key.private,
        signing.PUBLIC_KEYS: pulumi.Output.all(key.public, key.before).apply(signing.inside_json),
    }
