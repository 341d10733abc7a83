"""What Pulumi's CLI finds around it: its environment, passphrase, and a wrapper for PATH."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from contracts import variables
from infra import environment
from infra.files import private_folder, write_atomically
from infra.home import PULUMI_ROOT
from slipway.toolchain import bin_folder

if TYPE_CHECKING:
    from infra.home import Home


def composed(home: Home, *, clusters: bool) -> dict[str, str]:
    """The whole environment of Pulumi's CLI on this project's stacks.

    `clusters`: what leads to a cluster, to Docker and to clouds is passed on, too.
    """
    return environment.of_pulumi(home.search_path, clusters=clusters) | own(home)


def own(home: Home) -> dict[str, str]:
    """What this project itself says in it: where its stacks are, and how they are kept."""
    return {
        "PULUMI_HOME": str(home.pulumi),
        # Without a side file for each file of the state: one that was cut off by a kill would
        # lock everybody out.
        "PULUMI_BACKEND_URL": f"file://{quote(str(home.state))}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(home.passphrase),
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        variables.HOME: str(home.path),
        variables.TOOLS: str(home.tools),
    }


def prepare(home: Home) -> None:
    """Make the state's folder, its passphrase, and the `pulumi` wrapper for a person's PATH."""
    private_folder(home.state)
    if not home.passphrase.exists():
        write_atomically(home.passphrase, secrets.token_urlsafe(32))
    bin_folder.write_own(PULUMI_ROOT / "bin", home.tools / "bin", sys.executable)
    _write_wrapper(home)


def shell_lines(home: Home) -> list[str]:
    """What a POSIX shell evaluates so that `pulumi` and `slipway` work on these stacks."""
    folders = [home.bin, PULUMI_ROOT / "bin", home.tools / "bin", Path(sys.executable).parent]
    path = os.pathsep.join([*(shlex.quote(str(folder)) for folder in folders), '"$PATH"'])
    lines = [f"export {name}={shlex.quote(value)}" for name, value in own(home).items()]
    return [*lines, f"export PATH={path}"]


def _write_wrapper(home: Home) -> None:
    """`bin/pulumi`: the toolchain's CLI in this project's environment, whatever the shell's is."""
    lines = [
        f"export {name}={shlex.quote(str(path))}"
        for name, path in {variables.HOME: home.path, variables.TOOLS: home.tools}.items()
    ]
    program = shlex.join([sys.executable, "-I", "-m", "slipway.stack.salt"])
    text = "\n".join(["#!/bin/sh", *lines, f'exec {program} "$@"', ""])
    path = private_folder(home.bin) / "pulumi"
    if not path.exists() or path.read_text() != text:
        write_atomically(path, text)
        path.chmod(0o700)
