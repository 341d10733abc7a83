"""Commands as a person can paste them: program, home and stack in them, quoted for a shell.

A message names a command in backticks, short, as if for the stack `local` (`slipway up`): whoever
raises it, be it a pipeline's step, need not know the stack. `pasteable` makes such commands whole
at the edge, where the stack is known; who prints a command without a message uses `slipway`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from contracts import variables
from infra.errors import SlipwayError
from infra.home import ROOT, Home

_IN_BACKTICKS = re.compile(r"`((?:slipway|pulumi) [^`]+)`")
_HOME_BY_DEFAULT = ROOT / ".slipway"
STACK_BY_DEFAULT: Final = "local"

WITHOUT_STACK: Final = ("images lock", "images mirror", "tools lock")
"""The commands that are about no stack."""

_PULUMI_WITHOUT_STACK = ("plugin",)


def slipway(stack: str, *words: str) -> str:
    """A command of ours about `stack`, for a shell: `slipway("staging", "down")`."""
    return _whole(shlex.join(["slipway", *words]), stack)


def pulumi(stack: str, *words: str) -> str:
    """A command of Pulumi's own about `stack`, for a shell, with the environment that it needs."""
    return _whole(shlex.join(["pulumi", *words]), stack)


def pasteable(text: str, stack: str) -> str:
    """A message in which each command in backticks is whole; one that names a stack keeps it."""
    return _IN_BACKTICKS.sub(lambda command: f"`{_whole(command[1], stack)}`", text)


def _whole(command: str, stack: str) -> str:
    program, _, rest = command.partition(" ")
    if program == "pulumi":
        named = "" if rest.startswith(_PULUMI_WITHOUT_STACK) else _named(stack)
        return f'eval "$({_program()} env)" && pulumi {_with_option(rest, named)}'
    option = "" if rest.startswith(WITHOUT_STACK) else _stack_option(stack)
    return f"{_program()} {_with_option(rest, option)}"


def _with_option(words: str, option: str) -> str:
    """The words of a command with an option after them, before a redirection of its output."""
    if not option or "--stack" in words:
        return words
    command, into, file = words.partition(" > ")
    return f"{command} {option}{into}{file}"


def _stack_option(stack: str) -> str:
    """What names a stack, unless a command without it means that stack in every shell."""
    by_default = stack == STACK_BY_DEFAULT and not os.environ.get(variables.STACK)
    return "" if by_default else _named(stack)


def _named(stack: str) -> str:
    return f"--stack {shlex.quote(stack)}"


def _program() -> str:
    """What runs this very `slipway` on the home in use, from where the person stands."""
    ours = Path(sys.executable).with_name("slipway")
    home = _HOME_BY_DEFAULT
    with suppress(SlipwayError):  # which is what is being told
        home = Home.of_environment().path
    elsewhere = "" if home == _HOME_BY_DEFAULT else f"SLIPWAY_HOME={shlex.quote(str(home))} "
    on_path = shutil.which("slipway")
    if not ours.exists() or (on_path and ours.samefile(on_path)):
        return f"{elsewhere}slipway"
    with suppress(OSError, ValueError):
        ours = ours.relative_to(Path.cwd())
    return f"{elsewhere}{shlex.quote(str(ours))}"
