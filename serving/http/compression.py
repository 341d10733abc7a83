"""Compressed bodies of HTTP requests and responses: gzip and deflate.

Owns the codings, the bound on what a body may become, and when a response is worth compressing.
Source: RFC 9110, 8.4 and 12.5.3 (codings and their negotiation), RFC 1952 (gzip).
"""

import zlib
from functools import lru_cache

from serving.errors import RequestError

# zlib's names for the formats: a gzip header, and zlib's own, which is what `deflate` means.
_FORMATS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_OFFERED = ("gzip", "deflate")
"""Codings of responses, in order of preference."""

_MIN_BYTES = 8 * 1024
"""Bytes from which on a response is compressed: below, compressing costs more than sending."""
_FASTEST = 1
_LONGEST_ACCEPT = 256


def is_compressed(encoding: str | None) -> bool:
    """Whether a body with that `content-encoding` needs `decompress`."""
    return encoding is not None and encoding.strip().lower() not in {"", "identity"}


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as it was before its `content-encoding`.

    Args:
        body: as it came.
        encoding: the header's value.
        limit: bytes that it may become; not more than that is ever inflated.

    Raises:
        RequestError: 415, for a coding that is not known here, or several; 413, when the body
            becomes longer than the limit; 400, when it is damaged or cut short.
    """
    wbits = _FORMATS.get(encoding.strip().lower())
    if wbits is None:
        raise RequestError(
            415,
            f"content-encoding {encoding[:32]!r} is not supported; gzip and deflate are",
            (("accept-encoding", "gzip, deflate"),),
        )
    inflater = zlib.decompressobj(wbits)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise RequestError(400, f"the body is not what content-encoding says: {error}") from error
    if len(plain) > limit:
        raise RequestError(413, f"the decompressed body is longer than {limit} bytes")
    # Members of a gzip file without end would each cost a new start, so one must do.
    if not inflater.eof or inflater.unused_data:
        what = "goes on behind its end" if inflater.eof else "is cut short"
        raise RequestError(400, f"the compressed body {what}")
    return plain


def compress(body: bytes, accept: str | None) -> tuple[bytes, list[tuple[str, str]]]:
    """A response as the caller prefers it, and the headers that say so.

    Args:
        body: the plain response.
        accept: the request's `accept-encoding`, if it has one.
    """
    if len(body) < _MIN_BYTES:
        return body, []
    vary = ("vary", "accept-encoding")
    coding = _preferred(accept) if accept and len(accept) <= _LONGEST_ACCEPT else None
    if coding is None:
        return body, [vary]
    deflater = zlib.compressobj(_FASTEST, zlib.DEFLATED, _FORMATS[coding])
    packed = deflater.compress(body) + deflater.flush()
    return packed, [("content-encoding", coding), vary]


@lru_cache(maxsize=64)
def _preferred(accept: str) -> str | None:
    """The offered coding with the greatest weight, None where a plain response is preferred."""
    weights = dict(_weighted(part) for part in accept.lower().split(",") if part.strip())
    rest = weights.get("*", 0.0)
    best = max(_OFFERED, key=lambda coding: weights.get(coding, rest))
    weight = weights.get(best, rest)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


def _weighted(part: str) -> tuple[str, float]:
    coding, _, parameter = part.partition(";")
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return coding.strip(), 1.0
    try:
        return coding.strip(), float(value)
    except ValueError:
        return coding.strip(), 0.0
