"""Compressed bodies and answers."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import RequestError
from serving.http.compression import compress, decompress, is_compressed

LONG = b'{"outputs":[]}' * 1000


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        (" GZip ", gzip.compress),
        ("deflate", zlib.compress),
    ],
)
def test_a_compressed_body_is_what_it_was(encoding, pack):
    """Each coding is undone, by whatever case its name is written."""
    assert is_compressed(encoding)
    assert decompress(pack(LONG), encoding, len(LONG)) == LONG


def test_a_plain_body_is_not_compressed():
    """No coding, and `identity`, mean the body itself."""
    assert not any(is_compressed(encoding) for encoding in (None, "", "identity", "Identity"))


def test_a_bomb_is_refused_without_being_inflated():
    """A body beyond the limit is 413, and memory never holds much more than the limit."""
    bomb = gzip.compress(bytes(64 * 1024 * 1024), mtime=0)
    tracemalloc.start()
    with pytest.raises(RequestError, match="longer than 1000 bytes") as caught:
        decompress(bomb, "gzip", 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.status == 413
    assert peak < 1024 * 1024


@pytest.mark.parametrize(
    ("body", "encoding", "status", "complaint"),
    [
        (LONG, "br", 415, "'br' is not supported; gzip and deflate are"),
        (LONG, "gzip, gzip", 415, "is not supported"),
        (LONG, "gzip", 400, "not what content-encoding says"),
        (zlib.compress(LONG), "gzip", 400, "not what content-encoding says"),
        (gzip.compress(LONG, mtime=0)[:-9], "gzip", 400, "is cut short"),
        (gzip.compress(LONG, mtime=0) * 2, "gzip", 400, "goes on behind its end"),
        (b"", "gzip", 400, "is cut short"),
    ],
)
def test_what_cannot_be_undone_is_refused(body, encoding, status, complaint):
    """Unknown codings are 415, damaged bodies 400, each with its reason."""
    with pytest.raises(RequestError, match=complaint) as caught:
        decompress(body, encoding, len(LONG))
    assert caught.value.status == status


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br"]), st.booleans())
def test_any_bytes_are_undone_or_refused(noise, encoding, after):
    """Arbitrary bytes, alone or in a good body's place, are a 4xx or a body within the limit."""
    body = gzip.compress(b"{}", mtime=0)[: len(noise)] + noise if after else noise
    status = 200
    try:
        assert len(decompress(body, encoding, 100)) <= 100
    except RequestError as error:
        status = error.status
    assert status in {200, 400, 413, 415}


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate, br", "gzip"),
        ("gzip;q=0.5, deflate", "deflate"),
        ("*", "gzip"),
        ("*, gzip;q=0", "deflate"),
        ("gzip;q=0.2, identity", None),
        ("gzip;q=0", None),
        ("gzip;q=zero", None),
        ("br", None),
        ("identity", None),
        ("gzip," * 1000, None),
        ("", None),
        (None, None),
    ],
)
def test_a_long_answer_is_compressed_as_the_caller_likes_it(accept, coding):
    """Weights, wildcards and refusals of `accept-encoding` are kept to."""
    body, headers = compress(LONG, accept)
    assert dict(headers) == {"vary": "accept-encoding"} | (
        {"content-encoding": coding} if coding else {}
    )
    assert (decompress(body, coding, len(LONG)) if coding else body) == LONG
    assert len(body) < len(LONG) or coding is None


def test_a_short_answer_is_left_as_it_is():
    """Nobody waits for the compression of a few rows."""
    assert compress(b"{}", "gzip") == (b"{}", [])
