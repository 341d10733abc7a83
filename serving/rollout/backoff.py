"""Pauses between attempts at something that fails.

Owns the pauses only; what fails and how it is tried again is the caller's.
"""

import time
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Pauses:
    """Pauses that double with each failure.

    Attributes:
        first: the first pause, in seconds.
        longest: the bound of all pauses, in seconds.
        current: the last pause; 0 while nothing has failed.
    """

    first: float
    longest: float = 60.0
    current: float = field(default=0.0, init=False)

    def failed(self) -> float:
        """Note a failure; the pause before the next attempt, in seconds."""
        self.current = min(max(2.0 * self.current, self.first), self.longest)
        return self.current

    def reset(self) -> None:
        """Begin with the first pause again."""
        self.current = 0.0


class Backoff(Generic[T]):
    """Keeps one thing that fails again and again from being tried at every turn."""

    def __init__(self, first: float) -> None:
        """Pause for `first` seconds after the first failure of a thing."""
        self._pauses = Pauses(first)
        self._failed: T | None = None
        self._until = 0.0

    def allows(self, thing: T) -> bool:
        """Whether this thing may be tried now."""
        return thing != self._failed or time.monotonic() >= self._until

    def failed(self, thing: T) -> float:
        """Note a failure; the pause before the thing may be tried again, in seconds."""
        if thing != self._failed:
            self._pauses.reset()
        self._failed = thing
        pause = self._pauses.failed()
        self._until = time.monotonic() + pause
        return pause
