"""How often, when and how the processes of a stack ended: from supervisord's own log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.home import StackDir

_EXIT = re.compile(
    r"^(?P<at>[\d-]+ [\d:]+),\d+ (?:INFO|WARN) exited: (?P<name>\S+) \((?P<how>.*)\)$"
)


@dataclass(frozen=True)
class Exit:
    """One end of a process that nobody had asked for, in local time."""

    at: datetime
    how: str


def exits(stack: StackDir, name: str) -> list[Exit]:
    """The unasked-for ends of the service `name`, oldest first, as far as the log reaches back."""
    try:
        log = (stack.supervisor / "supervisord.log").read_text(errors="replace")
    except OSError:
        return []
    matches = (_EXIT.match(line) for line in log.splitlines())
    return [
        Exit(datetime.fromisoformat(match["at"]), match["how"])
        for match in matches
        if match and match["name"] == name
    ]
