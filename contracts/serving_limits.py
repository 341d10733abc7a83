"""What one request to the model server may ask for: bounds and defaults of its settings.

The server's configuration and the platform's settings are declared from these.
"""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

Number = TypeVar("Number", int, float)


class Limit(NamedTuple, Generic[Number]):
    """A setting's default, and the least and the most that it may be."""

    default: Number
    least: Number
    most: Number


MAX_BODY_BYTES: Final = Limit(8 * 2**20, 1024, 2**30)
MAX_ROWS: Final = Limit(10_000, 1, 1_000_000)
MAX_SECONDS: Final = Limit(10.0, 0.001, 3600)
MAX_CONCURRENCY: Final = Limit(512, 1, 100_000)
MAX_EXPLAINED: Final = Limit(200_000, 1, 10_000_000)
POLL_SECONDS: Final = Limit(1.0, 0.1, 3600)
WORKERS: Final = Limit(1, 1, 64)
JOURNAL_BYTES: Final = Limit(256 * 2**20, 2**20, 2**36)
FLUSH_SECONDS: Final = Limit(5.0, 0.001, 60)
