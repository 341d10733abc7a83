"""Names of environment variables that one room sets and another reads."""

from __future__ import annotations

from typing import Final

TRACKING: Final = "MLFLOW_TRACKING_URI"
LAKE: Final = "SLIPWAY_LAKE"
REGISTRY: Final = "SLIPWAY_REGISTRY"
SIGNING_KEY: Final = "SLIPWAY_SIGNING_KEY"
TENANT: Final = "SLIPWAY_TENANT"

HOME: Final = "SLIPWAY_HOME"
TOOLS: Final = "SLIPWAY_TOOLS"
STACK: Final = "SLIPWAY_STACK"
