"""What the agent tells the workers, as a file."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from serving import state as states
from serving.config import Config, Slots
from serving.slots import Slot
from serving.state import Owner, Placed, Release, State, StateError

OWNER = Owner("m", Slots(), ("key",))
DIGEST = "sha256:" + "0" * 64
OTHER = "sha256:" + "1" * 64
PLACED = Placed(Release("7", f"oci://models/m@{DIGEST}"), DIGEST, {"model.onnx": OTHER})
STATE = State(OWNER, {Slot.CHAMPION: PLACED}, 0.25, "", ((OTHER,),))


@pytest.fixture
def path(tmp_path):
    """Where the state is."""
    return states.path_of(str(tmp_path / "cache"))


def test_what_is_written_is_read(path):
    """A state comes back whole."""
    states.write(path, STATE)
    assert states.read(path, OWNER) == STATE


def test_no_state_is_none(path):
    """Before the first one there is none, and that is no error."""
    assert states.read(path, OWNER) is None


def test_all_blobs_are_named(path):
    """What is in a slot and what was is kept: manifests and files."""
    assert STATE.blobs() == {DIGEST, OTHER}
    assert State(OWNER).blobs() == set()


@pytest.mark.parametrize(
    "owner",
    [
        replace(OWNER, model="n"),
        replace(OWNER, slots=Slots("live")),
        replace(OWNER, keys=()),
        replace(OWNER, keys=("other",)),
    ],
)
def test_a_foreign_state_is_refused(path, owner):
    """Another model's, of other aliases or verified with a key that is not trusted any more."""
    states.write(path, STATE)
    with pytest.raises(StateError, match="another"):
        states.read(path, owner)


def test_a_state_outlives_a_key_that_is_trusted_beside_the_former(path):
    """What the former key vouches for is served at once, and from then on under both."""
    both = replace(OWNER, keys=("key", "newer"))
    states.write(path, STATE)

    assert states.read(path, both) == replace(STATE, owner=both)


def test_a_state_of_unsigned_models_is_foreign_once_signatures_are_asked_for(path):
    """What nobody verified is not served unverified."""
    states.write(path, replace(STATE, owner=replace(OWNER, keys=())))
    with pytest.raises(StateError, match="another"):
        states.read(path, OWNER)


def test_an_owner_is_what_decides_what_is_served():
    """Model, aliases and public key make the owner; the key itself is not written down."""
    config = Config(1, "http://a", "b:1", "m", "cache", public_key="PEM")
    assert Owner.of(config).keys != Owner.of(replace(config, public_key="")).keys == ()
    assert "PEM" not in str(Owner.of(config))


@given(st.integers(0, len(msgspec.json.encode(STATE)) - 1))
def test_a_torn_state_is_refused(tmp_path_factory, length):
    """Whatever is missing at its end, it is refused and never half believed."""
    path = tmp_path_factory.getbasetemp() / "torn.json"
    path.write_bytes(msgspec.json.encode(STATE)[:length])
    with pytest.raises(StateError):
        states.read(path, OWNER)


@given(st.binary(max_size=64))
@example(b"null")
@example(b"[]")
@example(b"[" * 10_000)
def test_garbage_is_refused(tmp_path_factory, content):
    """Bytes that are no state are refused."""
    path = tmp_path_factory.getbasetemp() / "garbage.json"
    path.write_bytes(content)
    with pytest.raises(StateError):
        states.read(path, OWNER)


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
def test_a_state_of_another_form_is_refused(path, field, value):
    """An unknown form, slot or share, or a digest that is none, is refused."""
    states.write(path, STATE)
    changed = msgspec.json.decode(path.read_bytes()) | {field: value}
    path.write_bytes(msgspec.json.encode(changed))
    with pytest.raises(StateError, match=r"state\.json"):
        states.read(path, OWNER)


def test_a_digest_that_is_a_path_is_refused(path):
    """Digests become file names."""
    placed = replace(PLACED, files={"model.onnx": "sha256:../../../etc/passwd"})
    states.write(path, replace(STATE, placed={Slot.CHAMPION: placed}))
    with pytest.raises(StateError):
        states.read(path, OWNER)
