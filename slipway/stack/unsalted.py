"""Runs a program, Pulumi's CLI, and takes the salt it may add out of the settings again.

`python -m slipway.stack.unsalted PROGRAM [ARG ...]`; exits as the program does.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

from infra.home import ROOT
from slipway.stack import salt


def main() -> int:
    """Run the program of the command line in the place of this one, as far as one can see."""
    with ExitStack() as stack:
        for settings in (ROOT / "infra" / "stacks").glob("Pulumi.*.yaml"):
            stack.enter_context(salt.kept_in_state(settings))
        return subprocess.run(sys.argv[1:], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
