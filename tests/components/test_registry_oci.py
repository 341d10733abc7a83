"""Pushing and pulling by digest."""

from __future__ import annotations

import json
import os

import pytest

from components.registry_oci import Layer, Registry, _scheme, digest_of
from usecases.errors import StepError

FILES = (Layer("a.txt", "text/plain", b"a"), Layer("b.txt", "text/plain", b"b"))


@pytest.fixture
def registry(oci):
    """A connection to the stand-in."""
    with Registry(os.environ["SLIPWAY_REGISTRY"]) as connection:
        yield connection


def test_files_come_back_by_digest(registry):
    """What was pushed is pulled, file by file."""
    digest = registry.push("models/m", FILES, "newest")
    assert [registry.pull("models/m", digest, name) for name in ("a.txt", "b.txt")] == [b"a", b"b"]


def test_digest_depends_on_content_only(registry, oci):
    """The same files give the same digest and are not uploaded again; other files another."""
    first = registry.push("models/m", FILES, "newest")
    uploads = oci.uploads
    assert registry.push("models/m", FILES, "again") == first
    assert oci.uploads == uploads
    assert registry.push("models/m", FILES[:1], "newest") != first


def test_manifest_is_an_oci_artifact(registry, oci):
    """The manifest has an artifact type, the empty config and titled layers."""
    manifest = json.loads(oci.manifests[registry.push("models/m", FILES, "newest")])
    assert manifest == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.slipway.model.v1",
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": digest_of(b"{}"),
            "size": 2,
        },
        "layers": [
            {
                "mediaType": "text/plain",
                "digest": digest_of(layer.content),
                "size": 1,
                "annotations": {"org.opencontainers.image.title": layer.name},
            }
            for layer in FILES
        ],
    }


def test_changed_bytes_are_found(registry, oci):
    """A blob that is not what was pushed is refused by what it should be."""
    digest = registry.push("models/m", FILES, "newest")
    oci.blobs[digest_of(b"a")] = b"evil"
    with pytest.raises(StepError, match=r"a\.txt is not what was pushed: its bytes are sha256:"):
        registry.pull("models/m", digest, "a.txt")


def test_unknown_artifact_and_file_are_refused(registry):
    """A digest or a file that is not there is named."""
    digest = registry.push("models/m", FILES, "newest")
    with pytest.raises(StepError, match=r"has no file c\.txt"):
        registry.pull("models/m", digest, "c.txt")
    with pytest.raises(StepError, match="answered 404 to GET /v2/models/m/manifests/sha256:0"):
        registry.pull("models/m", "sha256:0", "a.txt")


def test_absent_registry_is_named():
    """A registry that does not answer is named with the variable that says where it is."""
    with Registry("127.0.0.1:9") as nowhere, pytest.raises(StepError) as refused:
        nowhere.pull("m", "sha256:0", "a")
    assert refused.value.cause.startswith("the registry at http://127.0.0.1:9 does not answer")


@pytest.mark.parametrize(
    ("address", "scheme"),
    [
        ("127.0.0.1:5000", "http"),
        ("localhost", "http"),
        ("ghcr.io", "https"),
        ("a.b:5000", "https"),
    ],
)
def test_plain_http_is_for_the_loopback_only(address, scheme):
    """Without a scheme only an address of this machine is spoken to in the clear."""
    assert _scheme(address) == scheme
