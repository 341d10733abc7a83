"""The salt that Pulumi adds to a stack's settings: kept in the state, out of committed files."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

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
    more thing that differs between any two clones.
    """
    try:
        yield
    finally:
        text = settings.read_text(encoding="utf-8") if settings.exists() else ""
        if (without := unsalted(text)) != text:
            mode = settings.stat().st_mode
            write_atomically(settings, without)
            settings.chmod(mode)
