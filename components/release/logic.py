"""Makes a registered version the champion: servers follow the alias, and nothing else is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.slots import CHAMPION

if TYPE_CHECKING:
    from components.tracking import Tracking


def release(tracking: Tracking, model: str, version: str) -> None:
    """Point the alias `champion` of `model` at `version`."""
    tracking.set_alias(model, CHAMPION, version)
