"""The salt that Pulumi adds to a stack's settings: kept in the state, out of committed files."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import yaml

from infra.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ENCRYPTED = re.compile(r"^\s+secure:", re.MULTILINE)
_SALT = re.compile(r"^encryptionsalt:.*\n?", re.MULTILINE)


def unsalted(text: str) -> str:
    """Settings without Pulumi's salt, unless they hold values that were encrypted with it."""
    return text if _ENCRYPTED.search(text) else _SALT.sub("", text)


def carried_over(former: str, settings: str) -> str:
    """Settings with the salt that their `former` copy had, unless they need another."""
    found, text = _SALT.search(former), unsalted(settings)
    return f"{found[0].rstrip()}\n{text}" if found and not _SALT.search(text) else text


@contextmanager
def kept_in_state(settings: Path) -> Iterator[None]:
    """Take the salt that Pulumi adds to a stack's settings out again: the state has it, too.

    The passphrase is this machine's own, so its salt in a committed file would be one
    more thing that differs between any two clones. Settings that say nothing it writes anew,
    without their comments: those come back, too.
    """
    before = unsalted(_text(settings))
    try:
        yield
    finally:
        text = _text(settings)
        without = unsalted(text)
        # Another Pulumi, of another stack, may have been writing this file when it was read.
        if before and text and _meaning(without) == _meaning(before):
            without = before
        if without != text:
            mode = settings.stat().st_mode
            write_atomically(settings, without)
            settings.chmod(mode)


def _text(settings: Path) -> str:
    return settings.read_text(encoding="utf-8") if settings.exists() else ""


def _meaning(text: str) -> object:
    """What settings say, however they are written."""
    try:
        document = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        return text
    return {key: value for key, value in document.items() if value}
