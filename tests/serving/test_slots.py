"""Which slot answers a key."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import RequestError
from serving.grpc import codec
from serving.grpc.messages import message
from serving.inference.engine import Call, _key
from serving.models.slots import Placement, Slot, bucket
from serving.protocol.messages import decode_request

KEYS = st.text(st.characters(exclude_categories=()))
WEIGHTS = st.floats(0, 1)
MANY = [f"user-{number}" for number in range(10_000)]


def placement(weight=0.0, *, champion="1", challenger="2"):
    """A placement of models that have a name and a version, which is all that a choice needs."""

    def model(version):
        return SimpleNamespace(name="m", version=version) if version else None

    return Placement(model(champion), model(challenger), weight)


def slot_of(key, weight):
    """The slot that answers a key."""
    return placement(weight).pick(key)[0]


@given(KEYS, WEIGHTS)
def test_one_key_meets_one_slot(key, weight):
    """The choice is the same each time, also of another placement of the same weight."""
    assert slot_of(key, weight) == slot_of(key, weight)


@given(KEYS, WEIGHTS, WEIGHTS)
def test_a_growing_weight_keeps_the_keys(key, one, other):
    """Whoever met the challenger at a weight meets it at every larger one."""
    less, more = sorted((one, other))
    if slot_of(key, less) is Slot.CHALLENGER:
        assert slot_of(key, more) is Slot.CHALLENGER


@given(KEYS)
def test_none_and_all(key):
    """A weight of 0 is nobody and of 1 everybody."""
    assert slot_of(key, 0.0) is Slot.CHAMPION
    assert slot_of(key, 1.0) is Slot.CHALLENGER


@given(KEYS, st.text(min_size=1), st.text(min_size=1))
def test_a_bucket_is_a_share(key, name, other):
    """Every key of every model falls in [0, 1)."""
    assert 0 <= bucket(name, key) < 1
    assert 0 <= bucket(other, key) < 1


@pytest.mark.parametrize("weight", [0.01, 0.05, 0.25, 0.5, 0.9])
def test_the_share_is_the_weight(weight):
    """Of many keys as large a share as the weight says meets the challenger, within 4 sigma."""
    share = sum(slot_of(key, weight) is Slot.CHALLENGER for key in MANY) / len(MANY)
    assert abs(share - weight) < 4 * (weight * (1 - weight) / len(MANY)) ** 0.5


def test_two_models_split_the_same_keys_apart():
    """The half that meets one model's challenger is not the half that meets another's."""
    both = sum(bucket("a", key) < 0.5 and bucket("b", key) < 0.5 for key in MANY)
    assert abs(both / len(MANY) - 0.25) < 0.02


def test_a_key_falls_where_it_always_fell():
    """The split is part of what callers were promised: it survives new versions of this code."""
    fallen = [round(bucket("m", key), 6) for key in ("", "a", "user-1")]
    assert fallen == [0.670191, 0.529591, 0.501923]


def test_without_a_challenger_the_champion_answers():
    """The weight of an empty slot goes to the champion."""
    assert placement(1.0, challenger=None).pick("a")[0] is Slot.CHAMPION


def test_without_a_champion_nobody_answers():
    """A challenger alone is no server: callers are told why."""
    assert placement(1.0, champion=None).pick("a") is None


def test_a_version_is_found_in_its_slot():
    """A version in service is found, the champion first, and another one is not."""
    both = placement()
    assert both.of_version("1")[0] is Slot.CHAMPION
    assert both.of_version("2")[0] is Slot.CHALLENGER
    assert both.of_version("3") is None
    assert placement(champion="1", challenger="1").of_version("1")[0] is Slot.CHAMPION
    assert placement(champion=None, challenger=None).of_version("1") is None


def over_http(value):
    """The routing key of a request whose parameter is JSON."""
    body = f'{{"inputs": [], "parameters": {{"routing_key": {value}}}}}'
    return _key(Call("m", key="header"), decode_request(body.encode()))


def over_grpc(**value):
    """The routing key of a message whose parameter is of one of the protocol's types."""
    request = message("ModelInferRequest")()
    for name, content in value.items():
        setattr(request.parameters["routing_key"], name, content)
    return _key(Call("m", key="header"), codec.read(request))


@pytest.mark.parametrize(
    ("key", "json_values", "grpc_values"),
    [
        (
            "5",
            ["5", "5.0", "5e0", "0.5e1", '"5"'],
            [{"int64_param": 5}, {"uint64_param": 5}, {"double_param": 5.0}, {"string_param": "5"}],
        ),
        ("5.5", ["5.5", "55e-1", '"5.5"'], [{"double_param": 5.5}, {"string_param": "5.5"}]),
        ("0", ["0", "-0.0", "0.0"], [{"int64_param": 0}, {"double_param": -0.0}]),
        (str(2**63), [str(2**63), f"{2.0**63}"], [{"uint64_param": 2**63}]),
        (str(2**53 + 1), [str(2**53 + 1)], [{"int64_param": 2**53 + 1}]),
        ("true", ["true", '"true"'], [{"bool_param": True}]),
        ("header", ["null"], [{}]),
        ("", ['""'], [{"string_param": ""}]),
        ("05", ['"05"'], [{"string_param": "05"}]),
    ],
)
def test_a_number_is_one_key_however_it_is_written(key, json_values, grpc_values):
    """One caller meets one slot by HTTP and gRPC, whether their code has an integer or a float."""
    assert {over_http(value) for value in json_values} == {key}
    assert {over_grpc(**value) for value in grpc_values} == {key}


@pytest.mark.parametrize("value", ["[5]", "{}", "[]"])
def test_what_is_no_key_is_refused(value):
    """Without a key the caller would meet both slots, and not know it."""
    with pytest.raises(RequestError, match="'routing_key' is a text or a number") as caught:
        over_http(value)
    assert caught.value.status == 422
