"""Pulling a model's files by digest."""

import json

import httpx
import pytest

from serving.agent.releases.oci import OciRegistry
from serving.errors import ModelRefusedError, Reason
from serving.rollout.cache import Cache, digest_of


@pytest.fixture
def cache(tmp_path):
    """An empty cache."""
    return Cache(tmp_path / "cache")


@pytest.fixture
def registry(platform, cache):
    """The stand-in's registry, pulled from through the cache."""
    with httpx.Client(trust_env=False) as client:
        yield OciRegistry(client, platform.address, cache)


@pytest.fixture
def files(make_delays):
    """A model that is in order."""
    return make_delays(0)


class Titled:
    """An artifact of any files."""

    def __init__(self, files):
        self._files = files

    def titled(self):
        """The layers' bytes by title."""
        return self._files


def source_of(platform):
    """Where the published version is."""
    return platform.versions["1"]


def digest_titled(platform, manifest, title):
    """The digest of one layer of a published manifest."""
    layers = json.loads(platform.blobs[manifest])["layers"]
    return next(layer["digest"] for layer in layers if title in layer["annotations"].values())


def test_all_files_are_pulled(platform, registry, files):
    """Every titled file comes whole, under the manifest's digest."""
    digest = platform.publish("1", files)
    artifact = registry.artifact(source_of(platform))
    assert (artifact.digest, artifact.files) == (digest, files.titled())
    assert artifact.digests == {
        title: digest_titled(platform, digest, title) for title in files.titled()
    }


@pytest.mark.parametrize("title", ["../model.sig", "/etc/passwd", "a/b", "", ".", "..", ".git"])
def test_a_title_that_is_no_plain_name_is_no_file(platform, registry, files, title):
    """Titles that would lead out of a folder are left alone."""
    titled = files.titled()
    platform.publish("1", Titled(titled | {title: b"no file"}))
    assert registry.artifact(source_of(platform)).files == titled


def test_what_is_cached_is_not_asked_for_again(platform, registry, files):
    """A second pull needs no registry."""
    platform.publish("1", files)
    first = registry.artifact(source_of(platform))
    platform.stop()
    assert registry.artifact(source_of(platform)) == first


def test_a_damaged_cache_is_pulled_anew(platform, registry, files, tmp_path):
    """A blob that rotted on disk costs a download, nothing else."""
    platform.publish("1", files)
    first = registry.artifact(source_of(platform))
    for path in (tmp_path / "cache/blobs/sha256").iterdir():
        path.write_bytes(b"rotten")
    assert registry.artifact(source_of(platform)) == first


def test_a_full_disk_is_a_refusal(platform, registry, files, monkeypatch):
    """Workers load from the cache, so what it cannot take cannot be served."""
    platform.publish("1", files)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Cache, "put", full)
    with pytest.raises(ModelRefusedError, match="No space left") as caught:
        registry.artifact(source_of(platform))
    assert caught.value.reason is Reason.CACHE


@pytest.mark.parametrize("title", ["model.onnx", "signature.json", None])
def test_bytes_that_are_not_their_digest_are_refused(platform, registry, cache, files, title):
    """A changed manifest or blob of the same length is refused and never cached."""
    digest = platform.publish("1", files)
    changed = digest if title is None else digest_titled(platform, digest, title)
    platform.blobs[changed] = bytes(len(platform.blobs[changed]))
    with pytest.raises(ModelRefusedError) as caught:
        registry.artifact(source_of(platform))
    assert caught.value.reason is Reason.DIGEST
    assert cache.get(changed) is None


def test_a_blob_longer_than_it_says_is_cut_off(platform, registry, files):
    """A blob that outgrows its size in the manifest is refused without reading it all."""
    digest = platform.publish("1", files)
    changed = digest_titled(platform, digest, "model.onnx")
    platform.blobs[changed] += b"more"
    with pytest.raises(ModelRefusedError, match="longer than") as caught:
        registry.artifact(source_of(platform))
    assert caught.value.reason is Reason.DIGEST


def test_a_missing_blob_is_a_failed_fetch(platform, registry, files):
    """A registry that lacks a blob, or is down, is a failed fetch."""
    digest = platform.publish("1", files)
    del platform.blobs[digest_titled(platform, digest, "model.onnx")]
    with pytest.raises(ModelRefusedError, match="404") as caught:
        registry.artifact(source_of(platform))
    assert caught.value.reason is Reason.FETCH
    platform.stop()
    with pytest.raises(ModelRefusedError) as caught:
        registry.artifact(source_of(platform))
    assert caught.value.reason is Reason.FETCH


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        (b"no json", "malformed"),
        (b"{}", "missing required field `layers`"),
        (b'{"layers": []}', "no layer titled"),
        (
            json.dumps(
                {
                    "layers": [
                        {
                            "digest": "sha256:../../etc/passwd",
                            "size": 1,
                            "annotations": {"org.opencontainers.image.title": title},
                        }
                        for title in ("model.onnx", "signature.json")
                    ]
                }
            ).encode(),
            "is not a sha256 digest",
        ),
    ],
)
def test_a_manifest_of_another_form_is_refused(platform, registry, manifest, complaint):
    """A manifest that is none, or not a model's, is refused for that."""
    digest = digest_of(manifest)
    platform.blobs[digest] = manifest
    with pytest.raises(ModelRefusedError, match=complaint) as caught:
        registry.artifact(f"oci://models/m@{digest}")
    assert caught.value.reason is Reason.MANIFEST


@pytest.mark.parametrize(
    "source",
    [
        *("", "s3://bucket/model", "oci://models/m", "oci://models/m:latest"),
        *("oci://models/m@sha256:12", f"oci://../m@sha256:{'0' * 64}"),
        f"oci://models/m@sha256:{'0' * 64}\n",
    ],
)
def test_a_source_of_another_form_is_refused(registry, source):
    """Only a digest of the OCI registry is a source."""
    with pytest.raises(ModelRefusedError) as caught:
        registry.artifact(source)
    assert caught.value.reason is Reason.SOURCE
