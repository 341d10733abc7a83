"""Whose models are served: signatures against the configured key, by the library itself."""

import base64
import json
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from model_signing import hashing, signing

from components.package.signing import sign
from components.registry_oci import Layer
from contracts.model_package import MODEL_SIGNATURE
from serving.agent.releases.signatures import SignatureVerifier
from serving.config import Config
from serving.errors import ModelRefusedError, Reason
from serving.rollout.trusted_keys import trusted_keys

MODEL = "flight-delays"


@dataclass
class Keys:
    """A key pair as PEM text, and signatures made with it."""

    private: str
    public: str

    def sign(self, files, folder, ignored=()):
        """The signature's bytes over files by title, made by the library in an empty folder."""
        root = folder / "model"
        root.mkdir(parents=True)
        for title, data in files.items():
            (root / title).write_bytes(data)
        (folder / "key").write_text(self.private)
        config = signing.Config().use_elliptic_key_signer(private_key=folder / "key")
        if ignored:
            config.set_hashing_config(hashing.Config().set_ignored_paths(paths=ignored))
        config.sign(root, folder / "sig")
        return (folder / "sig").read_bytes()


def new_keys():
    """A new pair."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Keys(private.decode(), public.decode())


@pytest.fixture(scope="module")
def keys():
    """The trusted pair."""
    return new_keys()


@pytest.fixture
def verifier(tmp_path, keys):
    """A check against the trusted key."""
    return SignatureVerifier(configured(tmp_path, keys.public))


def configured(tmp_path, public_key):
    """A configuration with a public key."""
    return Config(
        port=1,
        tracking_url="http://nowhere",
        registry="nowhere:1",
        model=MODEL,
        cache_dir=str(tmp_path / "cache"),
        public_key=public_key,
    )


@pytest.fixture
def files(make_delays):
    """A model's files."""
    return make_delays(1).titled()


def refusal(verifier, files):
    """Why the files are refused, and what is left on disk."""
    with pytest.raises(ModelRefusedError) as caught:
        verifier.verify(files)
    assert not verifier._folder.exists()
    return caught.value.reason, str(caught.value)


def test_what_is_signed_with_the_key_is_trusted(verifier, files, keys, tmp_path):
    """All files named by a signature of the configured key pass; nothing is left on disk."""
    found = verifier.verify(files | {MODEL_SIGNATURE: keys.sign(files, tmp_path / "a")})
    assert [found] == list(trusted_keys(keys.public))
    assert not (tmp_path / "cache/verifying").exists()


def test_what_the_package_step_signs_is_trusted(verifier, files, keys):
    """Both ends of a model's way agree on the signature's form."""
    layers = tuple(Layer(title, "", data) for title, data in files.items())
    verifier.verify(files | {MODEL_SIGNATURE: sign(MODEL, layers, keys.private).content})


def test_either_of_two_keys_is_trusted(files, keys, tmp_path):
    """While one key takes the place of another both are trusted, and it is known which it was."""
    new = new_keys()
    verifier = SignatureVerifier(configured(tmp_path, keys.public + new.public))
    for each in (keys, new):
        signature = each.sign(files, tmp_path / f"{id(each)}")
        assert verifier.verify(files | {MODEL_SIGNATURE: signature}) in trusted_keys(each.public)
    signature = new_keys().sign(files, tmp_path / "other")
    assert refusal(verifier, files | {MODEL_SIGNATURE: signature})[0] is Reason.UNTRUSTED


def test_without_a_key_nothing_is_asked(tmp_path, files):
    """No public key, no question."""
    assert SignatureVerifier(configured(tmp_path, "")).verify(files) == ""


def test_what_is_not_signed_is_refused(verifier, files):
    """With a key configured, a signature must be there."""
    assert refusal(verifier, files)[0] is Reason.UNSIGNED


def test_another_key_is_refused(verifier, files, tmp_path):
    """A signature that is right, but of another key, is refused."""
    found = refusal(verifier, files | {MODEL_SIGNATURE: new_keys().sign(files, tmp_path / "a")})
    assert found[0] is Reason.UNTRUSTED
    assert "Key mismatch" in found[1]


def test_another_key_under_the_trusted_hint_is_refused(verifier, files, keys, tmp_path):
    """A bundle that claims the trusted key needs that key's signature."""
    bundle = json.loads(new_keys().sign(files, tmp_path / "a"))
    hint = json.loads(keys.sign(files, tmp_path / "b"))["verificationMaterial"]
    signature = json.dumps(bundle | {"verificationMaterial": hint}).encode()
    reason, message = refusal(verifier, files | {MODEL_SIGNATURE: signature})
    assert (reason, message) == (Reason.UNTRUSTED, "not signed with the configured key")


@pytest.mark.parametrize("title", ["model.onnx", "signature.json", "model_card.md"])
def test_a_signature_of_other_bytes_is_refused(verifier, files, keys, tmp_path, title):
    """One changed byte in any file is seen."""
    signature = keys.sign(files, tmp_path / "a")
    changed = files[title][:-1] + b"!"
    reason, message = refusal(verifier, files | {title: changed, MODEL_SIGNATURE: signature})
    assert reason is Reason.UNTRUSTED
    assert "Hash mismatch" in message
    assert title in message


def test_a_file_that_is_not_signed_is_refused(verifier, files, keys, tmp_path):
    """What the signature does not name does not travel with it."""
    signature = keys.sign(files, tmp_path / "a")
    found = refusal(verifier, files | {"background.json": b"{}", MODEL_SIGNATURE: signature})
    assert found[0] is Reason.UNTRUSTED


def test_a_file_that_is_missing_is_refused(verifier, files, keys, tmp_path):
    """What the signature names must be there."""
    signature = keys.sign(files, tmp_path / "a")
    del files["model_card.md"]
    assert refusal(verifier, files | {MODEL_SIGNATURE: signature})[0] is Reason.UNTRUSTED


def test_a_file_that_the_signature_ignores_is_refused(verifier, files, keys, tmp_path):
    """A statement that says to pass over a file does not cover it."""
    signature = keys.sign(files, tmp_path / "a", ignored=["model.onnx"])
    reason, message = refusal(verifier, files | {MODEL_SIGNATURE: signature})
    assert reason is Reason.UNTRUSTED
    assert "the signature is of the files" in message


def emptied(bundle):
    """A bundle whose statement was replaced by an empty one."""
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(b"{}").decode()
    return json.dumps(bundle).encode()


def unsigned(bundle):
    """A bundle without any signature."""
    bundle["dsseEnvelope"]["signatures"] = []
    return json.dumps(bundle).encode()


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"\xff\x00no text",
        lambda _: b"{}",
        lambda _: b"[" * 100_000,
        lambda bundle: json.dumps(bundle).encode()[:-30],
        emptied,
        unsigned,
    ],
)
def test_a_corrupt_signature_is_refused(verifier, files, keys, tmp_path, damage):
    """Whatever is wrong with model.sig, it is a refusal and no crash."""
    signature = damage(json.loads(keys.sign(files, tmp_path / "a")))
    reason, message = refusal(verifier, files | {MODEL_SIGNATURE: signature})
    assert reason is Reason.UNTRUSTED
    assert message
    assert "\n" not in message


def test_a_key_that_is_none_is_said(tmp_path, files, keys):
    """A public key that cannot be used is named as what is wrong."""
    verifier = SignatureVerifier(configured(tmp_path, "no key"))
    signed = files | {MODEL_SIGNATURE: keys.sign(files, tmp_path / "a")}
    reason, message = refusal(verifier, signed)
    assert reason is Reason.UNTRUSTED
    assert message.startswith("public_key is no elliptic curve's public key in PEM")
