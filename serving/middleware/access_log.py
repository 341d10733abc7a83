"""The log of requests: one line for each that failed or was refused, a bounded number a second.

Owns which fields such a line has and how many there may be, so that a flood of bad requests can
neither fill a disk nor slow the loop. The format is the business of `logs`. Belongs to one event
loop.
"""

import asyncio
import time
from dataclasses import dataclass

from serving import logs
from serving.errors import one_line

_SECOND = 1.0
LINES_PER_SECOND = 20
"""Lines of failed requests that one worker writes a second; the others are counted."""


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """What a line says of its request.

    Attributes:
        route: one of a closed set.
        request_id: the request's id.
        trace: the caller's trace id; may be empty.
        key: the name of the caller's API key; may be empty.
    """

    route: str
    request_id: str
    trace: str = ""
    key: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """The fields of every line of this request."""
        optional = {"trace_id": self.trace, "key": self.key}
        present = {name: value for name, value in optional.items() if value}
        return {"request_id": self.request_id, "route": self.route} | present


class RequestLog:
    """Writes lines of requests, at most `lines` a second of those that failed."""

    def __init__(self, lines: int = LINES_PER_SECOND) -> None:
        """Bound the lines; the count begins with the first."""
        self._lines = lines
        self._written = 0
        self._until = 0.0
        self._suppressed = 0

    def refused(self, request: RequestInfo, code: int, reason: str) -> None:
        """The caller was refused with `code`, or a fault of others' was answered with it."""
        if self._may_write():
            fields = request.fields | {"code": code, "reason": one_line(reason)}
            event = "request_refused" if code < 500 else "request_failed"  # noqa: PLR2004  # HTTP's own bound
            logs.warning(event, **fields)

    def crashed(self, request: RequestInfo, cause: Exception) -> None:
        """A fault of ours, answered with 500; its traceback goes with the line."""
        if self._may_write():
            logs.failure("request_crashed", cause, **request.fields, code=500)

    def answered(self, request: RequestInfo, code: int) -> None:
        """A request that went well, for those who want every one of them logged."""
        logs.info("request_answered", **request.fields, code=code)

    def close(self) -> None:
        """Log the count of lines left out last."""
        self._log_suppressed()

    def _may_write(self) -> bool:
        now = time.monotonic()
        if now >= self._until:
            self._log_suppressed()
            self._written, self._until = 0, now + _SECOND
        if self._written < self._lines:
            self._written += 1
            return True
        if not self._suppressed:
            # So that the count is logged even if nothing comes after the flood.
            asyncio.get_running_loop().call_later(self._until - now, self._log_suppressed)
        self._suppressed += 1
        return False

    def _log_suppressed(self) -> None:
        if self._suppressed:
            count, self._suppressed = self._suppressed, 0
            logs.warning("requests_suppressed", count=count, lines_per_second=self._lines)
