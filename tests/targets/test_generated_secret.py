"""Generated secrets: random, and made once."""

import pytest

from infra.targets import generated


def test_a_secret_is_160_random_bits() -> None:
    """Each is its own, and long enough."""
    values = {generated._SecretProvider().create({"name": "key"}).outs["value"] for _ in range(10)}

    assert len(values) == 10
    assert {len(bytes.fromhex(value)) for value in values} == {20}


@pytest.mark.parametrize(("name", "replaces"), [("key", []), ("other", ["name"])])
def test_a_secret_is_made_anew_for_another_name_only(name: str, replaces: list[str]) -> None:
    """No other change reaches it."""
    found = generated._SecretProvider().diff("id", {"name": "key"}, {"name": name})

    assert (found.changes, found.replaces) == (bool(replaces), replaces)
