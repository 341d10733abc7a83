"""`slipway`: runs a command; a user's mistake is one line on stderr and an exit code.

Whoever runs it may have anything on PYTHONPATH and stand anywhere: neither is where its modules
come from. So the command begins anew without both, and nothing is imported before but what
Python itself has.
"""

# PLC0415: see above; and an import can be interrupted, too.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from threading import ExceptHookArgs

    from slipway.exits import Exit


def main() -> None:
    """Run the command line."""
    # By `-m`, the folder where a person stands is the first place.
    stands_in = __name__ == "__main__" and not sys.flags.safe_path
    if stands_in or (os.environ.get("PYTHONPATH") and not sys.flags.ignore_environment):
        os.execv(sys.executable, [sys.executable, "-I", "-m", "slipway", *sys.argv[1:]])  # noqa: S606
    sys.exit(_run())


def _run() -> int:
    import threading
    import warnings

    from infra.errors import SlipwayError
    from infra.home import Home
    from slipway.exits import Exit, code_of, disk_error, full_disk

    threading.excepthook = _unless_cut_off
    warnings.filterwarnings("ignore", "Error in event stream")  # as above, on an interrupt
    from slipway.commands.main import app
    from slipway.commands.options import STACK
    from slipway.hints import STACK_BY_DEFAULT, pasteable

    context: dict[str, str] = {}
    try:
        app(prog_name="slipway", obj=context)
    except SlipwayError as error:
        room = full_disk(Home.of_environment().path)
        message = f"{error}; {room}" if room else str(error)
        return _say(pasteable(message, context.get(STACK, STACK_BY_DEFAULT)), code_of(error))
    except (KeyboardInterrupt, SystemExit) as end:
        # Typer makes an interrupt of a command the exit code that shells have for it.
        if isinstance(end, SystemExit) and end.code != Exit.INTERRUPTED:
            raise
        return _say("interrupted; run the same command again to go on", Exit.INTERRUPTED)
    except OSError as error:
        if line := disk_error(error):
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
