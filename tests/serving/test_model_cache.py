"""What the server keeps on disk of models."""

import os

import pytest

from serving.rollout.cache import Cache, digest_of


@pytest.fixture
def cache(tmp_path):
    """An empty cache."""
    return Cache(tmp_path / "cache")


def stored(tmp_path):
    """The names of all blobs on disk."""
    return sorted(path.name for path in (tmp_path / "cache/blobs/sha256").iterdir())


def place(tmp_path, digest):
    """A blob's file."""
    return tmp_path / "cache/blobs/sha256" / digest.removeprefix("sha256:")


def test_a_blob_is_read_back(cache):
    """What was put under its digest is found there."""
    cache.put(digest_of(b"one"), b"one")
    assert cache.get(digest_of(b"one")) == b"one"
    assert cache.get(digest_of(b"two")) is None


def test_a_damaged_blob_is_as_if_missing(cache, tmp_path):
    """Bytes that are no longer what their digest says are never handed out."""
    digest = digest_of(b"one")
    cache.put(digest, b"one")
    place(tmp_path, digest).write_bytes(b"onE")
    assert cache.get(digest) is None


def test_damage_is_seen_while_nobody_reads(cache, tmp_path):
    """A blob that is damaged, put back or removed is seen by the next look."""
    digest = digest_of(b"one")
    assert not cache.intact(digest)
    cache.put(digest, b"one")
    assert cache.intact(digest)
    assert cache.intact(digest)
    place(tmp_path, digest).write_bytes(b"onE")
    os.utime(place(tmp_path, digest), ns=(0, 0))
    assert not cache.intact(digest)
    cache.put(digest, b"one")
    assert cache.intact(digest)
    place(tmp_path, digest).unlink()
    assert not cache.intact(digest)


def test_only_what_is_named_is_kept(cache, tmp_path):
    """Pruning drops every blob but the named ones, and minds neither missing nor no blobs."""
    cache.prune(set())
    one, two, gone = digest_of(b"one"), digest_of(b"two"), digest_of(b"gone")
    cache.put(one, b"one")
    cache.put(two, b"two")
    cache.prune({two, gone})
    assert stored(tmp_path) == [two.removeprefix("sha256:")]


def test_a_failed_write_leaves_no_debris(cache, tmp_path, monkeypatch):
    """A disk that does not take a blob is an error, and nothing of it is left."""

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        cache.put(digest_of(b"one"), b"one")
    assert stored(tmp_path) == []
