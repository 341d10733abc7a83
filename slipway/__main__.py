"""`slipway`: runs a command; a user's mistake is one line on stderr and an exit code."""

from __future__ import annotations

import sys
import threading
import warnings
from typing import TYPE_CHECKING

from infra.errors import SlipwayError
from slipway.exits import Exit, code_of, told

if TYPE_CHECKING:
    from threading import ExceptHookArgs


def main() -> None:
    """Run the command line."""
    sys.exit(_run())


def _run() -> int:
    threading.excepthook = _unless_cut_off
    warnings.filterwarnings("ignore", "Error in event stream")  # as above, on an interrupt
    from slipway.commands.main import app  # noqa: PLC0415 - an import can be interrupted, too

    try:
        app(prog_name="slipway")
    except SlipwayError as error:
        return _say(str(error), code_of(error))
    except (KeyboardInterrupt, SystemExit) as end:
        # Typer makes an interrupt of a command the exit code that shells have for it.
        if isinstance(end, SystemExit) and end.code != Exit.INTERRUPTED:
            raise
        return _say("interrupted; run the same command again to go on", Exit.INTERRUPTED)
    except OSError as error:
        if line := told(error):
            return _say(line, Exit.FAILED)
        raise
    return Exit.OK


def _unless_cut_off(trouble: ExceptHookArgs) -> None:
    """Show what ends a thread, but for Pulumi's readers of a program that was interrupted."""
    if "closed file" not in str(trouble.exc_value):
        sys.__excepthook__(
            trouble.exc_type, trouble.exc_value or Exception(), trouble.exc_traceback
        )


def _say(line: str, code: Exit) -> Exit:
    sys.stderr.write(f"slipway: {line}\n")
    return code


if __name__ == "__main__":
    main()
