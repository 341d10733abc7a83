"""The two ways in which work is refused: a request's fault, and a model's fault.

Owns the exceptions only. How each is answered, counted or logged is the business of the transports,
`loader` and the agent.
"""

from enum import StrEnum

import msgspec

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not of a form."""


class RequestError(Exception):
    """A request that is answered with a status and the protocol's error body.

    Args:
        status: HTTP status to answer with.
        message: one line for the caller: what is wrong, where, and what would be right.
        headers: further response headers, such as `allow` on a 405.

    Attributes:
        slot: the slot whose model was to answer; None before one is selected.
    """

    def __init__(
        self, status: int, message: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.slot: str | None = None


class Reason(StrEnum):
    """Why a model was not taken into service; the closed set of values of a metric's label."""

    SOURCE = "source"
    FETCH = "fetch"
    DIGEST = "digest"
    MANIFEST = "manifest"
    UNSIGNED = "unsigned"
    UNTRUSTED = "untrusted"
    CACHE = "cache"
    SIGNATURE = "signature"
    REFERENCE = "reference"
    BACKGROUND = "background"
    SESSION = "session"
    WARMUP = "warmup"
    INTERNAL = "internal"


class ModelRefusedError(Exception):
    """A model that failed a step on its way into service; the one in service stays."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
