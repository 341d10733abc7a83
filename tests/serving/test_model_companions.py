"""The optional files of a model's artifact: background rows and the reference."""

import json

import numpy as np
import pytest

from serving.errors import ModelRefusedError, Reason
from serving.models.model import load
from serving.models.reference import Category, Numeric, decode
from serving.models.warmup import warm_up

BACKGROUND = {"carrier": ["UA", "AA"], "hour": [8, 9], "distance": [0.5, None]}
NUMERIC = {"kind": "numeric", "missing": 0.0, "quantiles": [0, 1.5, 3]}


@pytest.fixture
def load_with(make_delays):
    """The small model with further files, or with other bytes in place of one."""

    def make(title, content):
        files = make_delays(0).titled()
        files[title] = content if isinstance(content, bytes) else json.dumps(content).encode()
        return load("flight-delays", "1", "sha256:m", files)

    return make


def test_background_rows_have_the_form_of_the_inputs(load_with):
    """Columns have the signature's datatypes and shapes; null is a missing number."""
    found = load_with("background.json", BACKGROUND).background
    assert {name: (rows.dtype.kind, rows.shape) for name, rows in found.items()} == {
        "carrier": ("O", (2, 1)),
        "hour": ("i", (2, 1)),
        "distance": ("f", (2, 1)),
    }
    np.testing.assert_array_equal(found["distance"], np.array([[0.5], [np.nan]], np.float32))


def test_a_model_without_the_files_is_served(make_delays):
    """Both are optional."""
    assert load("m", "1", "sha256:m", make_delays(0).titled()).background is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"no json", "malformed"),
        (b"\xff", "malformed|utf-8"),
        ([], "Expected `object`"),
        ({"carrier": ["UA"]}, "rows of the inputs"),
        (BACKGROUND | {"weather": ["fair", "foul"]}, "and no other"),
        (BACKGROUND | {"hour": [8]}, r"the same 1 to 1024 rows, these have \[1, 2\]"),
        ({name: [] for name in BACKGROUND}, r"these have \[0\]"),
        ({name: values[:1] * 1025 for name, values in BACKGROUND.items()}, "1025"),
        (BACKGROUND | {"hour": [8, 9.5]}, "'hour': element 1 is a number that is no integer"),
        (BACKGROUND | {"carrier": ["UA", None]}, "'carrier': element 1 is null"),
        (BACKGROUND | {"distance": [1, 1e300]}, "beyond FP32"),
        (BACKGROUND | {"distance": [[1, 2], [3, 4]]}, "'distance'"),
        (BACKGROUND | {"distance": [1, [3]]}, "'distance'"),
    ],
)
def test_a_malformed_background_refuses_the_model(load_with, content, complaint):
    """What it is compared with must be right before anyone asks."""
    with pytest.raises(ModelRefusedError, match=complaint) as caught:
        load_with("background.json", content)
    assert caught.value.reason is Reason.BACKGROUND
    assert str(caught.value).startswith("background.json: ")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"no json", "malformed"),
        ({}, "features"),
        ({"features": {"hour": {"kind": "wavelet"}}}, "wavelet"),
        ({"features": {"hour": NUMERIC | {"missing": 2}}}, "<= 1"),
        ({"features": {"hour": NUMERIC | {"quantiles": [1, 0]}}}, "'hour' do not ascend"),
    ],
)
def test_a_malformed_reference_refuses_the_model(load_with, content, complaint):
    """The agent could not observe by it."""
    with pytest.raises(ModelRefusedError, match=complaint) as caught:
        load_with("reference.json", content)
    assert caught.value.reason is Reason.REFERENCE


def test_a_model_is_warmed_up_on_its_background_rows(make_delays):
    """One that says infinity of a training row is refused, though its example is in order."""
    files = make_delays(3e38)
    files.more["background.json"] = BACKGROUND
    warm_up(load("m", "1", "sha256:m", files.titled()))
    files.more["background.json"] = BACKGROUND | {"distance": [0.5, 3e38]}
    with pytest.raises(ModelRefusedError, match="of the background is not a finite") as caught:
        warm_up(load("m", "1", "sha256:m", files.titled()))
    assert caught.value.reason is Reason.WARMUP


def test_bounds_leave_room_for_their_rounding():
    """Quantiles have seven digits: the number that was rounded is not outside."""
    low, high = Numeric(0.0, (-1234.568, 5678.901)).bounds
    assert low <= -1234.56849
    assert high >= 5678.90149
    assert (low, high) == pytest.approx((-1234.568, 5678.901), rel=1e-5)
    assert Numeric(1.0, ()).bounds == (-np.inf, np.inf)


def test_texts_are_unknown_only_where_all_known_ones_are_listed():
    """A list that was cut cannot tell a new text from a rare one."""
    whole = Category(0.1, {"UA": 0.5, "AA": 0.4})
    assert whole.unknown(["UA", "XX", "XX"]) == {"XX"}
    assert Category(0.1, {"UA": 0.5, "AA": 0.3}).unknown(["XX"]) == set()


def test_a_package_s_own_reference_is_read():
    """The form is the one that `components.package` writes."""
    category = {"kind": "category", "missing": 0.0, "shares": {"UA": 1.0}}
    text = {
        "rows": 3,
        "label_rate": 0.3,
        "features": {"hour": NUMERIC | {"mean": 1, "deviation": 1}, "carrier": category},
        "prediction": NUMERIC,
    }
    assert decode(json.dumps(text).encode()).features == {
        "hour": Numeric(0.0, (0, 1.5, 3)),
        "carrier": Category(0.0, {"UA": 1.0}),
    }
