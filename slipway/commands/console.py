"""What commands write to: stdout for answers, stderr for what goes on beside JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer
from rich.console import Console

if TYPE_CHECKING:
    from slipway.progress import Progress

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)


def progress(*, as_json: bool = False) -> Progress:
    """What tells of a command's work: beside its answer, or on stderr where that is JSON."""
    from slipway.progress import Progress  # noqa: PLC0415 - keeps --help quick

    return Progress(err if as_json else out)


def print_json(value: object) -> None:
    """Write an answer for a script."""
    from slipway.reporting.summary import plain  # noqa: PLC0415 - as above

    typer.echo(json.dumps(plain(value), indent=1))
