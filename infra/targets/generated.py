"""Secrets that nobody chose: made once, kept in the state, encrypted. On any target."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider


class _SecretProvider(ResourceProvider):
    # Its code is no secret, so it need not look it.
    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        import secrets  # noqa: PLC0415 - keeps the serialized provider empty

        return CreateResult(props["name"], {"name": props["name"], "value": secrets.token_hex(20)})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        renamed = olds["name"] != news["name"]
        return DiffResult(changes=renamed, replaces=["name"] if renamed else [])


# The module's name is part of each secret's identity in the state: another one would
# make every secret anew.
class GeneratedSecret(Resource, module="processes", name="Secret"):
    """A random secret of 160 bits, made once and kept in the state, encrypted."""

    value: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        super().__init__(
            _SecretProvider(),
            name,
            {"name": name, "value": None},
            pulumi.ResourceOptions.merge(opts, secret),
        )
