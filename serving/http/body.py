"""Reading a request's body within its limit.

Owns the limit; its form is the business of `codec`.
"""

from typing import Any

from granian.rsgi import (  # type: ignore[attr-defined]  # re-exported there without a word
    ProtocolClosed,
    ProtocolError,
)

from serving.errors import RequestError


async def read(headers: Any, protocol: Any, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes.

    Args:
        headers: the request's, as RSGI gives them.
        protocol: RSGI's protocol object.
        limit: bytes.

    Raises:
        RequestError: 413, when the body is longer, whether it says so or not; 400, when the caller
            hangs up before its end.
    """
    declared = headers.get("content-length")
    if declared is None:
        return await _read_unmeasured(protocol, limit)
    if int(declared) > limit:
        raise _too_long(limit)
    try:
        body: bytes = await protocol()
    except (ProtocolClosed, ProtocolError) as error:
        raise RequestError(400, "the body broke off before its end") from error
    return body


async def _read_unmeasured(protocol: Any, limit: int) -> bytes:
    body = bytearray()
    async for chunk in protocol:
        body += chunk
        if len(body) > limit:
            raise _too_long(limit)
    return bytes(body)


def _too_long(limit: int) -> RequestError:
    return RequestError(413, f"the body is longer than {limit} bytes")
