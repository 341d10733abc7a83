"""What Pulumi's CLI finds around it: its environment, passphrase, and a wrapper for PATH."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.files import private_folder, write_atomically

if TYPE_CHECKING:
    from infra.home import Home


def environment(home: Home) -> dict[str, str]:
    """What Pulumi's CLI needs to work on this project's stacks."""
    return {
        "PATH": home.search_path,
        "PULUMI_HOME": str(home.pulumi),
        # Without a side file for each file of the state: one that was cut off by a kill would
        # lock everybody out.
        "PULUMI_BACKEND_URL": f"file://{home.state}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(home.passphrase),
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "SLIPWAY_HOME": str(home.path),
        "SLIPWAY_TOOLS": str(home.tools),
    }


def prepare(home: Home) -> None:
    """Make the state's folder, its passphrase, and the `pulumi` wrapper for a person's PATH."""
    private_folder(home.state)
    if not home.passphrase.exists():
        write_atomically(home.passphrase, secrets.token_urlsafe(32))
    _write_wrapper(home)


def shell_lines(home: Home) -> list[str]:
    """What a POSIX shell evaluates so that `pulumi` and `slipway` work on these stacks."""
    folders = [home.bin, home.tools / "bin", Path(sys.executable).parent]
    path = os.pathsep.join([*(shlex.quote(str(folder)) for folder in folders), '"$PATH"'])
    others = {name: value for name, value in environment(home).items() if name != "PATH"}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in others.items()]
    return [*lines, f"export PATH={path}"]


def _write_wrapper(home: Home) -> None:
    """`bin/pulumi`: the toolchain's CLI with this project's environment."""
    lines = shell_lines(home)
    program = shlex.join(
        [sys.executable, "-m", "slipway.stack.unsalted", str(home.tools / "bin/pulumi")]
    )
    text = "\n".join(["#!/bin/sh", *lines, f'exec {program} "$@"', ""])
    path = private_folder(home.bin) / "pulumi"
    if not path.exists() or path.read_text() != text:
        write_atomically(path, text)
        path.chmod(0o700)
