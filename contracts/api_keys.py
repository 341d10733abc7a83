"""How a caller shows the model server its key, and where a stack keeps the keys that it made."""

from __future__ import annotations

from typing import Final

HEADER: Final = "x-api-key"
"""Beside `authorization`, which a cluster's API server takes for its own."""

SECRET_PREFIX: Final = "api-key-"  # noqa: S105 -- a name's beginning
"""How the names of secrets begin that are callers' keys."""
