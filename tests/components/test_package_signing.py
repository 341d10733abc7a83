"""Signing what is packaged."""

import base64
import json
import subprocess
import sys

import pytest
from model_signing import verifying

from components.package import signing
from components.registry_oci import Layer
from infra.signing_keys import make_key_pair
from usecases.errors import StepError

FILES = (
    Layer("model.onnx", "application/vnd.slipway.model.onnx", b"graph"),
    Layer("signature.json", "application/json", b"{}"),
    Layer("model_card.md", "text/markdown", b"# card\n"),
)


@pytest.fixture(scope="module")
def keys():
    """A key pair as PEM text."""
    return make_key_pair()


@pytest.fixture
def verify(tmp_path, keys):
    """Verify a signature of files as the library does, with the public key."""

    def check(signature, files=FILES):
        root = tmp_path / "files"
        root.mkdir()
        for layer in files:
            (root / layer.name).write_bytes(layer.content)
        (tmp_path / "key").write_text(keys.public_pem)
        (tmp_path / "sig").write_bytes(signature)
        verifier = verifying.Config().use_elliptic_key_verifier(public_key=tmp_path / "key")
        verifier.verify(root, tmp_path / "sig")

    return check


def test_the_library_verifies_what_is_signed(keys, verify):
    """The signature holds by the published library with the public key alone."""
    layer = signing.sign("flight-delays", FILES, keys.private_pem)
    assert (layer.name, layer.media_type) == (
        "model.sig",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
    )
    verify(layer.content)


def test_a_changed_file_is_not_what_was_signed(keys, verify):
    """Another byte in a file, and the library refuses."""
    layer = signing.sign("flight-delays", FILES, keys.private_pem)
    changed = (Layer("model.onnx", "", b"graph!"), *FILES[1:])
    with pytest.raises(ValueError, match="Signature mismatch"):
        verify(layer.content, changed)


def test_the_same_files_and_key_give_the_same_bytes(keys):
    """In this process, in another one and in any order of the files; the digest depends on it."""
    first = signing.sign("flight-delays", FILES, keys.private_pem)
    assert signing.sign("flight-delays", FILES[::-1], keys.private_pem) == first
    script = (
        "import sys\n"
        "from components.package import signing\n"
        "from components.registry_oci import Layer\n"
        "files = (Layer('model.onnx', '', b'graph'), Layer('signature.json', '', b'{}'),\n"
        "         Layer('model_card.md', '', b'# card\\n'))\n"
        "key = sys.stdin.read()\n"
        "sys.stdout.buffer.write(signing.sign('flight-delays', files, key).content)\n"
    )
    for seed in ("1", "2"):
        ended = subprocess.run(
            [sys.executable, "-c", script],
            input=keys.private_pem.encode(),
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        )
        assert ended.stdout == first.content


def test_another_key_or_file_gives_other_bytes(keys):
    """A signature is of these files by this key."""
    first = signing.sign("flight-delays", FILES, keys.private_pem)
    assert signing.sign("flight-delays", FILES, make_key_pair().private_pem) != first
    assert signing.sign("flight-delays", FILES[:2], keys.private_pem) != first


def test_every_file_is_named_by_its_digest(keys):
    """The statement names all files, sorted, and nothing is ignored."""
    bundle = json.loads(signing.sign("flight-delays", FILES, keys.private_pem).content)
    envelope = bundle["dsseEnvelope"]
    predicate = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    names = [resource["name"] for resource in predicate["resources"]]
    assert names == ["model.onnx", "model_card.md", "signature.json"]
    assert "ignore_paths" not in predicate["serialization"]


@pytest.mark.parametrize("key", ["no key", "-----BEGIN PRIVATE KEY-----\nx\n", "other"])
def test_a_key_that_is_none_is_a_users_mistake(key):
    """What is wrong with the key is one line with the variable's name."""
    pem = make_key_pair().public_pem if key == "other" else key
    with pytest.raises(StepError, match="the signing key is no private key") as caught:
        signing.sign("flight-delays", FILES, pem)
    assert "SLIPWAY_SIGNING_KEY" in caught.value.remedy
