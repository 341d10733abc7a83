"""What the agent tells the workers, as a file."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from serving.config import Config, SlotAliases
from serving.models.slots import Slot
from serving.rollout.state import (
    Owner,
    PlacedRelease,
    Release,
    State,
    StateError,
    path_of,
    read,
    write,
)
from serving.rollout.trusted_keys import trusted_keys

OWNER = Owner("m", SlotAliases())
DIGEST = "sha256:" + "0" * 64
OTHER = "sha256:" + "1" * 64
PLACED = PlacedRelease(Release("7", f"oci://models/m@{DIGEST}"), DIGEST, {"model.onnx": OTHER})
STATE = State(OWNER, {Slot.CHAMPION: PLACED}, 0.25, "", ((OTHER,),))


def configured(folder):
    """A configuration of the owner."""
    return Config(1, "http://a", "b:1", "m", str(folder / "cache"))


@pytest.fixture
def config(tmp_path):
    """The owner's configuration."""
    return configured(tmp_path)


@pytest.fixture
def path(config):
    """Where the state is."""
    return path_of(config.cache_dir)


def test_what_is_written_is_read(config, path):
    """A state comes back whole."""
    write(path, STATE)
    assert read(config) == STATE


def test_no_state_is_none(config):
    """Before the first one there is none, and that is no error."""
    assert read(config) is None


def test_all_blobs_are_named(path):
    """What is in a slot and what was is kept: manifests and files."""
    assert STATE.blobs() == {DIGEST, OTHER}
    assert State(OWNER).blobs() == set()


@pytest.mark.parametrize("change", [{"model": "n"}, {"slots": SlotAliases("live")}])
def test_a_foreign_state_is_refused(config, path, change):
    """Another model's, or one of other aliases."""
    write(path, STATE)
    with pytest.raises(StateError, match="another model or of other aliases"):
        read(replace(config, **change))


def test_what_no_trusted_key_has_signed_is_left_out(config, path):
    """With keys, only what one of them has signed is in the state; without, all that is there."""
    one, two = "-----BEGIN A-----\n1\n-----END A-----\n", "-----BEGIN A-----\n2\n-----END A-----\n"
    signed = replace(PLACED, key=next(iter(trusted_keys(two))))
    placed = {Slot.CHAMPION: PLACED, Slot.SHADOW: signed}
    write(path, replace(STATE, placed=placed))
    assert read(config).placed == placed
    assert read(replace(config, public_key=one + two)).placed == {Slot.SHADOW: signed}
    assert read(replace(config, public_key=one)).placed == {}
    assert read(replace(config, public_key="no key")).placed == {}


def test_keys_are_told_apart():
    """Texts one after the other are keys, whatever is between; a text that is none is one."""
    one, two = "-----BEGIN A-----\n1\n-----END A-----\n", "-----BEGIN A-----\n2\n-----END A-----\n"
    assert list(trusted_keys(f"{one}\n# a note\n{two}").values()) == [one, two]
    assert trusted_keys(" \n") == {}
    assert list(trusted_keys("no key").values()) == ["no key\n"]


@given(st.integers(0, len(msgspec.json.encode(STATE)) - 1))
def test_a_torn_state_is_refused(tmp_path_factory, length):
    """Whatever is missing at its end, it is refused and never half believed."""
    config = configured(tmp_path_factory.getbasetemp() / "torn")
    path = path_of(config.cache_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(STATE)[:length])
    with pytest.raises(StateError):
        read(config)


@given(st.binary(max_size=64))
@example(b"null")
@example(b"[]")
@example(b"[" * 10_000)
def test_garbage_is_refused(tmp_path_factory, content):
    """Bytes that are no state are refused."""
    config = configured(tmp_path_factory.getbasetemp() / "garbage")
    path = path_of(config.cache_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(StateError):
        read(config)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("form", 2),
        ("weight", 1.5),
        ("weight", "half"),
        ("placed", {"winner": {}}),
        ("placed", {"champion": {"release": {"version": "1", "source": ""}}}),
        ("history", [1]),
    ],
)
def test_a_state_of_another_form_is_refused(config, path, field, value):
    """An unknown form, slot or share, or a digest that is none, is refused."""
    write(path, STATE)
    changed = msgspec.json.decode(path.read_bytes()) | {field: value}
    path.write_bytes(msgspec.json.encode(changed))
    with pytest.raises(StateError, match=r"state\.json"):
        read(config)


def test_a_digest_that_is_a_path_is_refused(config, path):
    """Digests become file names."""
    placed = replace(PLACED, files={"model.onnx": "sha256:../../../etc/passwd"})
    write(path, replace(STATE, placed={Slot.CHAMPION: placed}))
    with pytest.raises(StateError):
        read(config)
