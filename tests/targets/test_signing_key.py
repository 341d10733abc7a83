"""The signing key in the state: one for each count, and trust that outlives one change of it."""

import json
from collections.abc import Callable

import pulumi
import pytest
from pulumi.dynamic.dynamic import serialize_provider

from infra.description import describe
from infra.settings.reading import parse
from infra.signing_keys import make_key_pair, public_key_of
from infra.targets import generated, stack_secrets
from infra.wiring import signing
from tests.pulumi_recorder import Recorder

OUTPUTS = {
    "processes:Secret": lambda made: {"value": made.name},
    "generated:SigningKey": lambda _: {"private": "PEM", "public": "PEM", "before": ""},
}


def test_a_new_key_leaves_trust_in_the_one_before_and_in_no_older_one() -> None:
    """What is released stays servable; counting up twice ends the trust in a key that leaked."""
    provider = generated._SigningKeyProvider()
    first = provider.create({"number": 1}).outs
    second = provider.update("id", first, {"number": 2}).outs
    third = provider.update("id", second, {"number": 3}).outs

    keys = [each["public"] for each in (first, second, third)]
    assert keys == [public_key_of(each["private"]) for each in (first, second, third)]
    assert len(set(keys)) == 3
    assert [each["before"] for each in (first, second, third)] == ["", keys[0], keys[1]]


@pytest.mark.parametrize(("number", "changes"), [(1, False), (2, True)])
def test_only_the_count_makes_a_new_key(number: int, *, changes: bool) -> None:
    """No other `up` reaches it; and it is changed, never replaced."""
    found = generated._SigningKeyProvider().diff("id", {"number": 1}, {"number": number})

    assert (found.changes, found.replaces) == (changes, None)


@pytest.mark.parametrize(
    "chosen",
    [{}, {"signatures": "off"}, {"public_key": make_key_pair().public_pem}],
    ids=["default", "off", "another's key"],
)
def test_no_setting_takes_the_key_away(chosen: dict, recorded: Callable[..., Recorder]) -> None:
    """What it signed outlives the setting; the steps go on signing with it."""
    described = describe(parse({"serving": {"signing": chosen}}, source="S"))

    told = recorded(lambda: stack_secrets.secrets(described, pulumi.ResourceOptions()), OUTPUTS)

    [key] = [made for made in told.made if made.typ.endswith("generated:SigningKey")]
    assert (key.name, key.inputs["number"]) == ("signing-key", 1)
    assert signing.PRIVATE_KEY in described.steps.secrets


def test_public_keys_stand_in_a_json_text() -> None:
    """PEM has lines, and a text of JSON has none."""
    keys = [make_key_pair().public_pem, make_key_pair().public_pem]

    assert json.loads(f'"{signing.inside_json(keys)}"') == "".join(keys)


def test_the_state_holds_no_code_of_it() -> None:
    """An edit of how keys are made is no change of the key."""
    assert len(serialize_provider(generated._SigningKeyProvider())) < 200
