"""The two ways in which work is refused: a request's fault, and a model's fault.

Owns the exceptions only. How each is answered, counted or logged is the business of the transports,
`loader` and the agent.
"""

from enum import StrEnum

import msgspec

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not of a form."""

LONGEST_MESSAGE = 600
"""Characters of a refusal. gRPC carries 8 KiB of a status, with up to 12 bytes a character."""
_CUT = " ... "


def one_line(text: str, most: int = LONGEST_MESSAGE) -> str:
    """A text as one line of at most `most` characters: what is too much is left out in its middle.

    What callers send may be anywhere in it, and what is wrong stands at one of the ends.
    """
    if len(text) > most:
        head = (most - len(_CUT)) // 2
        text = text[:head] + _CUT + text[head + len(_CUT) - most :]
    return " ".join(text.split())


class Refusal(StrEnum):
    """Why a request is refused; the closed set of values of a metric's label.

    `SIGNATURE` is what a release can bring about: names, datatypes or shapes that are not the
    model's.
    """

    MALFORMED = "malformed"
    KEY = "key"
    ABSENT = "absent"
    SIGNATURE = "signature"
    VALUES = "values"
    LIMIT = "limit"
    BUSY = "busy"


_BY_STATUS = {
    401: Refusal.KEY,
    404: Refusal.ABSENT,
    408: Refusal.LIMIT,
    413: Refusal.LIMIT,
    422: Refusal.VALUES,
    429: Refusal.BUSY,
}


class RequestError(Exception):
    """A request that is answered with a status and the protocol's error body.

    Args:
        status: HTTP status to answer with.
        message: for the caller, made one line of a bounded length: what is wrong, where, and what
            would be right.
        headers: further response headers, such as `allow` on a 405.
        refusal: the reason, where the status does not tell; without meaning from 500 on.

    Attributes:
        slot: the slot whose model was to answer; None before one is selected.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: tuple[tuple[str, str], ...] = (),
        refusal: Refusal | None = None,
    ) -> None:
        super().__init__(one_line(message))
        self.status = status
        self.headers = headers
        self.refusal = refusal or _BY_STATUS.get(status, Refusal.MALFORMED)
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
