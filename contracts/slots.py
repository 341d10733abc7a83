"""The slots that a model's versions are released to, and how traffic is split between them."""

from __future__ import annotations

from typing import Final

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
SHADOW: Final = "shadow"
NAMES: Final = (CHAMPION, CHALLENGER, SHADOW)

WEIGHT_TAG: Final = "slipway.challenger_weight"
"""Tag of a registered model: the share of routing keys that the challenger answers, 0 to 1."""
