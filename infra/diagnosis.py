"""What a check of the platform found, as plain data.

Owns the shape only. Checks are pure functions that return it (`slipway.doctor.tools`,
`infra.clusters.preflight`); showing it belongs to the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Diagnosis:
    """One finding: how bad, about what, in one line; then the particulars and the remedy.

    `detail` and `resolution` are one line each, empty where there is nothing to add.
    """

    level: Level
    category: str
    summary: str
    detail: str = ""
    resolution: str = ""
