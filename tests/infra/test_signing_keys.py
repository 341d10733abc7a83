"""Signing keys: pairs that fit, and trust that outlives one change of them."""

import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.services import signing
from infra.signing_keys import new_pair, newest
from infra.targets import generated


def fits(private: str, public: str) -> bool:
    """Whether what the one signs is what the other verifies."""
    key = serialization.load_pem_private_key(private.encode(), None)
    algorithm = ec.ECDSA(hashes.SHA256())
    try:
        serialization.load_pem_public_key(public.encode()).verify(
            key.sign(b"model", algorithm), b"model", algorithm
        )
    except InvalidSignature:
        return False
    return True


def test_a_pair_fits_and_each_is_its_own() -> None:
    """What one key signs, its public key verifies, and no other."""
    (private, public), (_, other) = new_pair(), new_pair()

    assert fits(private, public)
    assert not fits(private, other)
    assert serialization.load_pem_public_key(public.encode()).curve.name == "secp256r1"


def test_a_new_key_leaves_trust_in_the_one_before_and_in_no_older_one() -> None:
    """What is released stays servable; counting up twice ends the trust in a key that leaked."""
    provider = generated._SigningKeyProvider()
    first = provider.create({"number": 1}).outs
    second = provider.update("id", first, {"number": 2}).outs
    third = provider.update("id", second, {"number": 3}).outs

    assert second["private"] != first["private"]
    assert second["public"].endswith(first["public"])
    assert fits(second["private"], newest(second["public"]))
    assert newest(second["public"]) in third["public"]
    assert first["public"] not in third["public"]


@pytest.mark.parametrize(("number", "changes"), [(1, False), (2, True)])
def test_only_the_count_makes_a_new_key(number: int, *, changes: bool) -> None:
    """No other `up` reaches it; and it is changed, never replaced."""
    found = generated._SigningKeyProvider().diff("id", {"number": 1}, {"number": number})

    assert (found.changes, found.replaces) == (changes, None)


def test_public_keys_stand_in_a_json_text() -> None:
    """PEM has lines, and a text of JSON has none."""
    pair = new_pair()[1] + new_pair()[1]

    assert json.loads(f'"{signing.inside_json(pair)}"') == pair


def test_there_is_no_newest_of_no_keys() -> None:
    """The first pair has none before it."""
    assert newest("") == ""
