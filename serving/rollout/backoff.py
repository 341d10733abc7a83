"""How long something that failed is left alone.

Owns the pauses only; what failed and what is done about it is the caller's.
"""

import time
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_LONGEST_PAUSE = 60.0

T = TypeVar("T")


@dataclass(slots=True)
class Patience(Generic[T]):
    """Doubled pauses for one thing that fails again and again, at most a minute.

    Attributes:
        first: half the first pause, in seconds.
    """

    first: float
    _failed: T | None = None
    _failures: int = 0
    _until: float = field(default=0.0)

    def allows(self, thing: T) -> bool:
        """Whether this thing may be tried now."""
        return thing != self._failed or time.monotonic() >= self._until

    def failed(self, thing: T) -> float:
        """Note a failure; the pause before the thing may be tried again, in seconds."""
        self._failures = self._failures + 1 if thing == self._failed else 1
        self._failed = thing
        pause = min(self.first * 2.0**self._failures, _LONGEST_PAUSE)
        self._until = time.monotonic() + pause
        return pause
