"""W3C Trace Context and request ids.

Owns reading `traceparent`, `tracestate` and `x-request-id`, and the headers that answer them. Spans
are not recorded: an id is passed on, so that others' traces and our log lines meet.
Source: https://www.w3.org/TR/trace-context-2/.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_FORBIDDEN_VERSION = "ff"
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
_KNOWN_FLAGS = 0x03
"""Sampled, and random trace id; the others must be 0 in what is passed on."""

# A key is a vendor's name, or a tenant's and a vendor's. Level 2 lets more keys pass; what Level 1
# calls malformed would be thrown away by those after us.
_KEY = r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
_VALUE = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER = re.compile(f"{_KEY}={_VALUE}")
_MAX_MEMBERS = 32
_LONG_MEMBER = 128
_LONG_STATE = 512

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Trace:
    """This server's part of its caller's trace.

    Attributes:
        trace: the trace's id, 32 hex digits.
        span: this request's own, 16 hex digits.
        flags: 2 hex digits.
        state: `tracestate` as it came, within its limits; may be empty.
    """

    trace: str
    span: str
    flags: str
    state: str = ""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the response."""
        parent = ("traceparent", f"00-{self.trace}-{self.span}-{self.flags}")
        return [parent, ("tracestate", self.state)] if self.state else [parent]


def follow(parents: Sequence[str], states: Sequence[str] = ()) -> Trace | None:
    """A child of the caller's span.

    Args:
        parents: the values of all `traceparent` headers; more than one is none.
        states: the values of all `tracestate` headers, in their order.

    Returns:
        None where the caller's is not valid; its state is of no use then either.
    """
    if len(parents) != 1 or (match := _PARENT.fullmatch(parents[0].strip(" \t"))) is None:
        return None
    version, trace, span, flags, more = match.groups()
    if version == _FORBIDDEN_VERSION or (version == "00" and more):
        return None
    if trace == _NO_TRACE or span == _NO_SPAN:
        return None
    kept = int(flags, 16) & _KNOWN_FLAGS
    return Trace(trace, _new_span(), f"{kept:02x}", _state(states))


def _new_span() -> str:
    while (span := secrets.token_hex(8)) == _NO_SPAN:
        pass
    return span


def _state(states: Sequence[str]) -> str:
    """All members in one line; none of them if one is malformed, twice there, or too many are."""
    members = [part for raw in ",".join(states).split(",") if (part := raw.strip(" \t"))]
    keys = {member.partition("=")[0] for member in members}
    if len(members) > _MAX_MEMBERS or len(keys) < len(members):
        return ""
    if not all(map(_MEMBER.fullmatch, members)):
        return ""
    return ",".join(_shortened(members))


def _shortened(members: list[str]) -> list[str]:
    """At most 512 characters: long members go first, then the last ones."""
    if len(",".join(members)) > _LONG_STATE:
        members = [member for member in members if len(member) <= _LONG_MEMBER]
    while len(",".join(members)) > _LONG_STATE:
        members.pop()
    return members


def request_id(header: str | None) -> str:
    """The caller's `x-request-id` if it is 1 to 128 printable ASCII characters, else a new one."""
    if header is not None and _REQUEST_ID.fullmatch(header):
        return header
    return secrets.token_hex(16)
