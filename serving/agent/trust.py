"""Holding an artifact's signature against the configured public key."""

from collections.abc import Mapping


class Trust:
    """One public key, or none: then everything is trusted."""

    def __init__(self, public_key: str) -> None:
        self._public_key = public_key

    def check(self, files: Mapping[str, bytes]) -> None:
        """Check."""
