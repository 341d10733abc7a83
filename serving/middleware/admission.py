"""Which requests are admitted, and for how long: the bound of those in hand, the time of each.

Owns counting, refusing (429) and ending what takes too long (408), for whichever transport a
request came by. One timer on the loop checks the oldest requests; a request costs no timer and does
not read the clock. Belongs to one event loop: nothing here may be called from another thread.
"""

import asyncio
import math
from typing import Any

from serving.errors import RequestError
from serving.middleware import draining

_SWEEPS = 20
"""How often a request's time is checked before it is over; it ends at most a twentieth late."""
_LONGEST_PAUSE = 0.5
_SMOOTHING = 0.2
"""Weight of the newest sweep in the rate of answers: what counts is the last few seconds."""
_LATE = -1

Ticket = asyncio.Task[Any]


class Admission:
    """The requests that one worker has in hand."""

    def __init__(self, max_concurrency: int, max_seconds: float) -> None:
        """Let `max_concurrency` requests in at once, for `max_seconds` each; `start` begins."""
        self._max_concurrency = max_concurrency
        self._seconds = max_seconds
        self._pause = min(max_seconds / _SWEEPS, _LONGEST_PAUSE)
        self._sweeps = math.ceil(max_seconds / self._pause)
        # In the order they came in, so that the oldest are the first; the sweep they came after.
        self._in_hand: dict[Ticket, int] = {}
        self._sweep_number = 0
        self._left = 0
        self._left_before = 0
        self._rate = 0.0
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sweep the requests of `loop` from now on."""
        self._loop = loop
        self._timer = loop.call_later(self._pause, self._sweep)

    def close(self) -> None:
        """Refuse requests from now on; those in hand go on."""
        self._closed = True

    def stop(self) -> None:
        """Sweep no more."""
        if self._timer is not None:
            self._timer.cancel()

    @property
    def in_hand(self) -> int:
        """How many requests are in hand now."""
        return len(self._in_hand)

    def enter(self) -> Ticket:
        """Admit the request of the running task; give the ticket back by `leave`, come what may.

        When its time is over the task is cancelled; `overdue` is its refusal then.

        Raises:
            RequestError: 429, with `retry-after`, while as many are in hand as may be; 503, after
                `close`.
            RuntimeError: no task runs.
        """
        ticket = asyncio.current_task(self._loop)
        if ticket is None:
            raise RuntimeError("a request is admitted in its own task")
        if len(self._in_hand) >= self._max_concurrency:
            raise self._full()
        if self._closed:
            raise RequestError(503, draining.MESSAGE)
        self._in_hand[ticket] = self._sweep_number
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """The request is answered, or will never be."""
        self._left += 1
        del self._in_hand[ticket]

    def overdue(self, ticket: Ticket) -> RequestError | None:
        """The refusal of a request whose task was cancelled for its time, 408.

        Call it before `leave`, in the task itself, which goes on as if it had not been cancelled.
        None means that something else cancelled the task, which goes its way.
        """
        if self._in_hand.get(ticket) != _LATE:
            return None
        ticket.uncancel()
        # RFC 9110, 15.5.9: the rest of a slow body is not waited for.
        return RequestError(
            408,
            f"no answer within {self._seconds:g} s of the request's head; its body was slow, or "
            "the model",
            (("connection", "close"),),
        )

    def retry_after(self) -> int:
        """Whole seconds until those in hand are answered, at the rate of late; at least 1.

        Little's law: it is the requests in hand over the answers a second. Where nothing is
        answered, it is the time that a request may take.
        """
        if self._rate <= 0.0:
            return max(1, math.ceil(self._seconds))
        return max(1, math.ceil(min(len(self._in_hand) / self._rate, self._seconds)))

    def _full(self) -> RequestError:
        return RequestError(
            429,
            f"{self._max_concurrency} requests are in hand, which is the most; try again later",
            (("retry-after", str(self.retry_after())),),
        )

    def _sweep(self) -> None:
        """Cancel what has been in hand too long, and take the rate of answers."""
        self._sweep_number += 1
        bound = self._sweep_number - self._sweeps
        for ticket, sweep in self._in_hand.items():
            if sweep >= bound:
                break
            if sweep != _LATE:
                self._in_hand[ticket] = _LATE
                ticket.cancel()
        left, self._left_before = self._left - self._left_before, self._left
        self._rate += _SMOOTHING * (left / self._pause - self._rate)
        if self._loop is not None:
            self._timer = self._loop.call_later(self._pause, self._sweep)
