"""The page's file: where it goes, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.errors import SettingsError
from infra.files import write_atomically
from slipway.reporting.page.gather import gather
from slipway.reporting.page.markup import document

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.operations.target import Target

_NAME = "report.html"


def write(target: Target, minutes: int, output: Path | None = None) -> Path:
    """Write the page of the last `minutes`; `output`, or a file in the stack's folder.

    Raises:
        SettingsError: `output` is a folder, or lies in something that is none.
        SlipwayError: Prometheus does not answer.
    """
    path = (output or target.home.stack(target.stack).path / _NAME).absolute()
    text = document(gather(target, minutes))
    try:
        write_atomically(path, text)
    except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
        raise SettingsError(f"--output {path}: {error.strerror}: name a file") from None
    return path
