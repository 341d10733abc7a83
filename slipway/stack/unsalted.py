"""Runs Pulumi's CLI as a person calls it, in the environment that is composed for it.

`python -m slipway.stack.unsalted [ARG ...]`; exits as the CLI does. It takes the salt that Pulumi
may add out of the settings again.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

from infra.home import ROOT, Home
from slipway.stack import environment, salt


def main() -> int:
    """Run the CLI in the place of this program, as far as one can see."""
    home = Home.of_environment()
    command = [str(home.tools / "bin" / "pulumi"), *sys.argv[1:]]
    # Which stack it is about, and so where that stands, only Pulumi knows.
    variables = environment.composed(home, clusters=True)
    with ExitStack() as stack:
        for settings in (ROOT / "infra" / "stacks").glob("Pulumi.*.yaml"):
            stack.enter_context(salt.kept_in_state(settings))
        return subprocess.run(command, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
