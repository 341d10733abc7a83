"""Makes a registered version the champion.

Owns the alias's name. Servers follow the alias; nothing else is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from components.tracking import Tracking

CHAMPION: Final = "champion"


def release(tracking: Tracking, model: str, version: str) -> None:
    """Point the alias `champion` of `model` at `version`."""
    tracking.set_alias(model, CHAMPION, version)
