"""Callers of the model server: new keys for them, and who they are by a stack's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from infra.errors import SettingsError
from infra.settings import reading
from infra.settings.fields import ShortName
from serving.middleware.api_keys import make_key

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class NewKey:
    """A key, and what to do with it. The key is for the caller alone."""

    key: str
    advice: str


def new(stack: Path, name: str) -> NewKey:
    """A key for a caller that the settings in `stack` do not have yet; they are not changed.

    Raises:
        SettingsError: the name is not fit, or taken.
    """
    try:
        TypeAdapter(ShortName).validate_python(name)
    except ValidationError:
        raise SettingsError(
            f"{name!r} is no name of a caller: up to 30 small letters, digits and -"
        ) from None
    if name in known(stack):
        raise SettingsError(f"{stack.name} has the caller {name} already: choose another name")
    key, sha256 = make_key()
    return NewKey(
        key,
        f"This key is shown once. In {stack.name}, then `slipway up`:\n"
        f"  slipway:serving:\n    api_key_hashes:\n      {name}: {sha256}",
    )


def known(stack: Path) -> dict[str, str]:
    """Where each caller's key is, by the caller's name.

    Raises:
        SettingsError: the stack's file is wrong.
    """
    serving = reading.from_file(stack).serving
    generated = {name: f"the stack's secret api-key-{name}" for name in serving.api_keys}
    hashed = dict.fromkeys(serving.api_key_hashes, "the caller's own")
    return dict(sorted((generated | hashed).items()))
