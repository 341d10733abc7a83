"""The salt that Pulumi adds to a stack's settings: kept in the state, out of committed files.

`python -m slipway.stack.salt [ARG ...]` runs Pulumi's CLI as a person calls it, in the environment
that is composed for it, and takes the salt out of the settings again; it exits as the CLI does.
"""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import yaml

from infra.files import write_atomically
from infra.home import ROOT, Home
from slipway.stack import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ENCRYPTED = re.compile(r"^\s+secure:", re.MULTILINE)
_SALT = re.compile(r"^encryptionsalt:.*\n?", re.MULTILINE)


def without_salt(text: str) -> str:
    """Settings without Pulumi's salt, unless they hold values that were encrypted with it."""
    return text if _ENCRYPTED.search(text) else _SALT.sub("", text)


def carried_over(former: str, settings: str) -> str:
    """Settings with the salt that their `former` copy had, unless they need another."""
    salt, text = _SALT.search(former), without_salt(settings)
    return f"{salt[0].rstrip()}\n{text}" if salt and not _SALT.search(text) else text


@contextmanager
def kept_in_state(settings: Path) -> Iterator[None]:
    """Take the salt that Pulumi adds to a stack's settings out again: the state has it, too.

    The passphrase is this machine's own, so its salt in a committed file would be one
    more thing that differs between any two clones. Settings that say nothing it writes anew,
    without their comments: those come back, too.
    """
    before = without_salt(_text(settings))
    try:
        yield
    finally:
        text = _text(settings)
        without = without_salt(text)
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


def main() -> int:
    """Run the CLI in the place of this program, as far as one can see."""
    home = Home.of_environment()
    command = [str(home.tools / "bin" / "pulumi"), *sys.argv[1:]]
    # Which stack it is about, and so where that stands, only Pulumi knows.
    variables = environment.composed(home, clusters=True)
    with ExitStack() as stack:
        for settings in (ROOT / "infra" / "stacks").glob("Pulumi.*.yaml"):
            stack.enter_context(kept_in_state(settings))
        return subprocess.run(command, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
