"""`slipway`: runs a command; a user's mistake is one line on stderr and an exit code."""

from __future__ import annotations

import sys

from infra.errors import SlipwayError
from slipway.exits import Exit, code_of, told


def main() -> None:
    """Run the command line."""
    sys.exit(_run())


def _run() -> int:
    from slipway.cli import app  # noqa: PLC0415 - an import can be interrupted, too

    try:
        app(prog_name="slipway")
    except SlipwayError as error:
        return _say(str(error), code_of(error))
    except KeyboardInterrupt:
        return _say("interrupted; run the same command again to go on", Exit.INTERRUPTED)
    except OSError as error:
        if line := told(error):
            return _say(line, Exit.FAILED)
        raise
    return Exit.OK


def _say(line: str, code: Exit) -> Exit:
    sys.stderr.write(f"slipway: {line}\n")
    return code


if __name__ == "__main__":
    main()
