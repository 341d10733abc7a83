"""The pair of keys that models are signed and verified with."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from infra.signing_keys import make_key_pair, public_key_of


def test_a_pair_belongs_together():
    """The public key is the private one's, on the curve P-256, and both are PEM text."""
    pair = make_key_pair()
    private = serialization.load_pem_private_key(pair.private_pem.encode(), password=None)
    public = serialization.load_pem_public_key(pair.public_pem.encode())
    assert private.public_key() == public
    assert isinstance(public.curve, ec.SECP256R1)
    assert public_key_of(pair.private_pem) == pair.public_pem


def test_no_two_pairs_are_the_same():
    """Each pair is new."""
    assert make_key_pair() != make_key_pair()


def pem(key, encryption):
    """A private key as PEM text."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


@pytest.mark.parametrize("kind", ["text", "other kind", "password"])
def test_what_is_no_such_key_is_refused(kind):
    """Text, a key of another kind and one with a password are ValueErrors."""
    plain = serialization.NoEncryption()
    text = {
        "text": "no key",
        "other kind": pem(ed25519.Ed25519PrivateKey.generate(), plain),
        "password": pem(
            ec.generate_private_key(ec.SECP256R1()), serialization.BestAvailableEncryption(b"p")
        ),
    }[kind]
    with pytest.raises(ValueError, match=r".+"):
        public_key_of(text)
