"""What the server keeps on disk."""

import pytest

from serving.cache import Cache, Release, digest_of

FIRST = Release("1", "oci://models/m@sha256:" + "0" * 64)


@pytest.fixture
def cache(tmp_path):
    """An empty cache of one model's alias."""
    return Cache(tmp_path / "cache", "m", "champion")


def stored(tmp_path):
    """The names of all blobs on disk."""
    return sorted(path.name for path in (tmp_path / "cache/blobs/sha256").iterdir())


def test_a_blob_is_read_back(cache):
    """What was put under its digest is found there."""
    cache.put(digest_of(b"one"), b"one")
    assert cache.get(digest_of(b"one")) == b"one"
    assert cache.get(digest_of(b"two")) is None


def test_a_damaged_blob_is_as_if_missing(cache, tmp_path):
    """Bytes that are no longer what their digest says are never handed out."""
    digest = digest_of(b"one")
    cache.put(digest, b"one")
    (tmp_path / "cache/blobs/sha256" / digest.removeprefix("sha256:")).write_bytes(b"onE")
    assert cache.get(digest) is None


def test_the_release_in_service_is_remembered(cache, tmp_path):
    """Another object on the same folder recalls it, one of another model or alias does not."""
    cache.put(digest_of(b"one"), b"one")
    cache.remember(FIRST, (digest_of(b"one"),))
    root = tmp_path / "cache"
    assert Cache(root, "m", "champion").recall() == FIRST
    assert Cache(root, "m", "shadow").recall() is None
    assert Cache(root, "other", "champion").recall() is None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"name": 1}', b"\xff"])
def test_a_damaged_record_is_as_if_missing(cache, tmp_path, content):
    """A current.json that cannot be read is not an error; the alias will be asked."""
    cache.put(digest_of(b"one"), b"one")
    (tmp_path / "cache/current.json").write_bytes(content)
    assert cache.recall() is None


def test_only_the_latest_releases_are_kept(cache, tmp_path):
    """Blobs of older releases go, those that a kept one shares stay."""
    shared = digest_of(b"shared")
    cache.put(shared, b"shared")
    digests = []
    for number in range(5):
        data = str(number).encode()
        digests.append(digest_of(data))
        cache.put(digests[-1], data)
        cache.remember(Release(str(number), FIRST.source), (digests[-1], shared))
    kept = {shared, *digests[-3:]}
    assert stored(tmp_path) == sorted(digest.removeprefix("sha256:") for digest in kept)


def test_a_failed_write_leaves_the_old_record(cache, tmp_path, monkeypatch):
    """A disk that does not take the new record keeps the old one whole, and no debris."""
    cache.put(digest_of(b"one"), b"one")
    cache.remember(FIRST, (digest_of(b"one"),))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        cache.remember(Release("2", FIRST.source), (digest_of(b"one"),))
    assert cache.recall() == FIRST
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["blobs", "current.json"]
