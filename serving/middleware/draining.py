"""The flag that the server is about to end, from the main process to its workers.

Owns one byte of memory that all of them share: no signal, which a worker's start could lose, and no
system call on a request's way.
"""

import mmap

MESSAGE = "the server is about to end"
"""What callers read meanwhile."""


class Draining:
    """Whether the server ends soon. Made before the workers are forked."""

    def __init__(self) -> None:
        """Share a flag that is not set."""
        self._shared = mmap.mmap(-1, 1)

    def begin(self) -> None:
        """Make the server not ready, and have it close connections, from now on."""
        self._shared[0] = 1

    def __bool__(self) -> bool:
        """Whether `begin` was called, in any process."""
        return self._shared[0] == 1
