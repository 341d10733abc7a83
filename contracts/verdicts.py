"""What the gate says of a model."""

from __future__ import annotations

from typing import Final

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"
