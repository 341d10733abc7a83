"""Rows of named values, as people write them."""

import json

import httpx
import numpy as np
import pytest

from serving.config import Limits
from serving.errors import RequestError
from serving.models.model import load
from serving.models.scoring import read, score
from serving.protocol.messages import decode_request

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"
DIGEST = "sha256:" + "0" * 64
ROW = {"carrier": "UA", "hour": 8, "distance": 0.25}


def job(model, *rows, **more):
    """A request of rows as it is scored."""
    return read(model, decode_request(json.dumps({"rows": rows} | more).encode()), Limits())


@pytest.fixture(scope="module")
def model(make_delays):
    """The small model."""
    return load(MODEL, "1", DIGEST, make_delays(0).titled())


@pytest.fixture(scope="module")
def mirror(mirror_files):
    """The model of all datatypes, two values a row."""
    return load(MODEL, "1", DIGEST, mirror_files.titled())


def test_rows_and_tensors_are_the_same_request(model, flights):
    """Rows of named values score as the tensors of the same values do."""
    rows = [("UA", 8, 0.25), ("AA", 100, None), ("", -1, 1)]
    names = ("carrier", "hour", "distance")
    tensors = read(model, decode_request(json.dumps(flights(*rows)).encode()), Limits())
    named = job(model, *(dict(zip(names, row, strict=True)) for row in rows))
    np.testing.assert_array_equal(score(named)["probability"], score(tensors)["probability"])
    assert (named.rows, named.shapes) == (tensors.rows, tensors.shapes)


def test_names_in_any_order_and_missing_numbers(model):
    """A row's names have no order, and a number that is missing is a missing number."""
    both = score(
        job(model, {"hour": 8, "carrier": "UA"}, {"distance": None} | ROW | {"distance": 0})
    )
    np.testing.assert_array_equal(both["probability"][0], both["probability"][1])


def test_every_datatype_may_stand_in_a_row(mirror, samples):
    """An input of several values a row is a list in it, whatever the datatype."""
    row = {f"in_{name}": values for name, values in samples.items()}
    results = score(job(mirror, row, row))
    found = {name: results[f"out_{name}"].tolist() for name in samples}
    assert found == {name: [values, values] for name, values in samples.items()}


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "1 to 10000 rows, this one has 0"),
        ([ROW | {"hours": 8}], "unknown field `hours` - at `$[0]`"),
        ([ROW, {"hour": 8}], "missing required field `carrier` - at `$[1]`"),
        ([ROW | {"hour": "8"}], "Expected `int`, got `str` - at `$[0].hour`"),
        ([ROW | {"hour": None}], "Expected `int`, got `null`"),
        ([ROW | {"carrier": ["UA"]}], "Expected `str`, got `array`"),
        (["UA"], "Expected `object`, got `str`"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(model, rows, complaint):
    """What is wrong with a row is a 422 that says which row, which input and what."""
    with pytest.raises(RequestError) as caught:
        job(model, *rows)
    assert caught.value.status == 422
    assert complaint in str(caught.value)


def test_a_number_beyond_its_datatype_is_refused_by_its_input(model):
    """A value that the input's datatype cannot hold names the input."""
    with pytest.raises(RequestError, match="input 'hour' has a value beyond INT64"):
        score(job(model, ROW | {"hour": 2**63}))


def test_rows_or_inputs_not_both(model, flights):
    """A request has one of the two forms."""
    for body, complaint in [
        (flights(("UA", 8, 0.25), rows=[ROW]), "`inputs` and `rows`; one of them is meant"),
        ({}, "neither `inputs` nor `rows`"),
    ]:
        with pytest.raises(RequestError, match=complaint) as caught:
            read(model, decode_request(json.dumps(body).encode()), Limits())
        assert caught.value.status == 400


def test_rows_are_answered_by_rows(launch, platform, make_delays, wait_until):
    """Over HTTP the answer to rows is a row of named values for each."""
    platform.release("7", make_delays(0))
    server = launch(platform.address)
    wait_until(lambda: server.serves("7"), "version 7")
    body = {"id": "mine", "rows": [ROW, ROW | {"hour": 18}]}
    answer = httpx.post(server.url + INFER, json=body, trust_env=False).json()
    predictions = [row.pop("probability") for row in answer["predictions"]]
    assert predictions == pytest.approx([0.83, 0.93], rel=1e-5)
    assert answer == {
        "model_name": MODEL,
        "model_version": "7",
        "id": "mine",
        "predictions": [{}, {}],
    }
