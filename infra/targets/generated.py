"""Secrets that nobody chose: made once, kept in the state, encrypted. On any target."""

# PLC0415: importing inside of the methods keeps the serialized providers empty.
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from infra.dynamic import Shell

_SIGNING_KEY = "signing-key"


class _SecretProvider(Shell):
    def create(self, props: dict[str, Any]) -> CreateResult:
        import secrets

        return CreateResult(props["name"], {"name": props["name"], "value": secrets.token_hex(20)})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        renamed = olds["name"] != news["name"]
        return DiffResult(changes=renamed, replaces=["name"] if renamed else [])


class _SigningKeyProvider(Shell):
    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(_SIGNING_KEY, _key_pair(props["number"]))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=olds["number"] != news["number"])

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_key_pair(news["number"], before=olds["public"]))


def _key_pair(number: Any, before: str = "") -> dict[str, Any]:
    from infra.signing_keys import make_key_pair

    pair = make_key_pair()
    return {
        "number": number,
        "private": pair.private_pem,
        "public": pair.public_pem,
        "before": before,
    }


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


class SigningKey(Resource, module="generated", name="SigningKey"):
    """A key pair in PEM, another for each `number`; `before` is the former public key, if any."""

    private: pulumi.Output[str]
    public: pulumi.Output[str]
    before: pulumi.Output[str]

    def __init__(self, number: int, opts: pulumi.ResourceOptions | None = None) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["private"])
        super().__init__(
            _SigningKeyProvider(),
            _SIGNING_KEY,
            {"number": number, "private": None, "public": None, "before": None},
            pulumi.ResourceOptions.merge(opts, secret),
        )
