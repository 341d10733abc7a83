"""Explanations: what contributions must be, whatever the model."""

import itertools
import json
import math
import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from serving.config import Explanations
from serving.errors import RequestError
from serving.explanation.explain import explain, response_parameters, wants_explanation
from serving.explanation.shapley import orders
from serving.models.model import Model, load

BENDS = {
    "tanh": helper.make_node("Tanh", ["h"], ["b"]),
    "square": helper.make_node("Mul", ["h", "h"], ["b"]),
    "none": helper.make_node("Identity", ["h"], ["b"]),
    "log": helper.make_node("Log", ["h"], ["b"]),
}
"""What is between the layers: each hidden value has all features in it."""


@dataclass(frozen=True)
class Network:
    """`y` [N, values] = bend(`x` [N, features] @ w) @ v, as a model and in numpy's terms."""

    model: Model
    w: np.ndarray
    v: np.ndarray

    def score(self, rows):
        """What the model says of rows."""
        return self.model.run(["y"], {"x": rows})[0]

    def explain(self, rows, permutations=2):
        """Base values and contributions of `y`."""
        [found] = explain(self.model, {"x": rows}, ["y"], Explanations(permutations=permutations))
        return found.base_value, found.contributions


def graph_of(w, v, bend):
    """The network's graph."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"]),
            BENDS[bend],
            helper.make_node("MatMul", ["b", "v"], ["y"]),
        ],
        "network",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["N", len(w)])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["N", v.shape[1]])],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(v, "v")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def network(w, v, background, bend="tanh"):
    """A network with background rows [rows, features]."""
    signature = {
        "inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, len(w)]}],
        "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1, v.shape[1]]}],
        "example": {"x": [0.0] * len(w)},
    }
    files = {
        "model.onnx": graph_of(w, v, bend).SerializeToString(),
        "signature.json": json.dumps(signature).encode(),
        "background.json": json.dumps({"x": background.tolist()}).encode(),
    }
    return Network(load("m", "1", "sha256:m", files), w, v)


def random_network(rng, features, values, background, bend="tanh"):
    """A network of random weights."""
    w, v = rng.normal(size=(features, 5)), rng.normal(size=(5, values))
    return network(w, v, background, bend)


def by_definition(score, row, background):
    """Shapley values as they are defined: a weighted sum over all coalitions of the others."""
    features = len(row)

    def value(coalition):
        mixed = background.copy()
        mixed[:, list(coalition)] = row[list(coalition)]
        return score(mixed).mean(axis=0)

    found = []
    for feature in range(features):
        others = [other for other in range(features) if other != feature]
        total = 0
        for size in range(features):
            weight = 1 / (features * math.comb(features - 1, size))
            for coalition in itertools.combinations(others, size):
                total = total + weight * (value((*coalition, feature)) - value(coalition))
        found.append(total)
    return np.array(found).T


@settings(deadline=None, max_examples=60)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_contributions_add_up(data, seed):
    """Base value and contributions add up to the output, for any model, rows and background."""
    features, values = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 3))
    rows, others = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    rng = np.random.default_rng(seed)
    # Whole numbers, so that rows are often equal to the background in a feature, or in all.
    x, background = rng.integers(-2, 3, (2, 9, features)).astype(float)
    x, background[0] = x[:rows], x[0]
    found = random_network(rng, features, values, background[:others])
    base, contributions = found.explain(x, 2 * data.draw(st.integers(1, 20)))
    assert contributions.shape == ((rows, values, features) if values > 1 else (rows, features))
    total = (base + contributions.sum(axis=-1)).reshape(rows, values)
    np.testing.assert_allclose(total, found.score(x), rtol=1e-12, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(features=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
def test_few_features_are_explained_exactly(features, seed):
    """With as many permutations as there are orders, contributions are Shapley's by definition."""
    rng = np.random.default_rng(seed)
    x, background = rng.normal(size=(2, 3, features))
    found = random_network(rng, features, 2, background)
    expected = [by_definition(found.score, row, background) for row in x]
    np.testing.assert_allclose(found.explain(x, 24)[1], expected, atol=1e-12)


def test_pairs_of_features_are_explained_exactly_by_an_order_and_its_reverse():
    """Two permutations are enough where at most two features interact."""
    rng = np.random.default_rng(7)
    x, background = rng.normal(size=(2, 3, 6))
    found = random_network(rng, 6, 2, background, "square")
    expected = [by_definition(found.score, row, background) for row in x]
    np.testing.assert_allclose(found.explain(x)[1], expected, atol=1e-12)


def test_a_linear_model_is_explained_by_its_slopes():
    """Contribution = slope x (value - the background's mean)."""
    rng = np.random.default_rng(8)
    x, background = rng.normal(size=(2, 20, 30))
    found = random_network(rng, 30, 1, background, "none")
    expected = (found.w @ found.v)[:, 0] * (x - background.mean(axis=0))
    np.testing.assert_allclose(found.explain(x)[1], expected, atol=1e-12)


def test_more_permutations_come_closer():
    """The error of contributions that are sampled falls with their number."""
    rng = np.random.default_rng(9)
    x, background = rng.normal(size=(2, 4, 8))
    found = random_network(rng, 8, 1, background)
    exact = np.array([by_definition(found.score, row, background) for row in x])[:, 0]
    errors = [np.abs(found.explain(x, count)[1] - exact).mean() for count in (2, 32, 512)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1 * errors[0]


def test_a_feature_that_the_model_does_not_use_contributes_nothing():
    """Exactly nothing, however few permutations."""
    rng = np.random.default_rng(10)
    x, background = rng.normal(size=(2, 5, 6))
    w, v = rng.normal(size=(6, 5)), rng.normal(size=(5, 1))
    w[4] = 0
    assert not network(w, v, background).explain(x)[1][:, 4].any()


def test_a_value_that_all_background_rows_have_contributes_nothing():
    """There is nothing to compare it with; NaN is such a value too."""
    rng = np.random.default_rng(11)
    x, background = rng.normal(size=(2, 5, 6))
    background[:, 2] = x[:, 2] = 1.5
    assert not random_network(rng, 6, 1, background).explain(x)[1][:, 2].any()


def test_equal_features_contribute_alike():
    """Two features of the same weights and values share what they do, if all orders are walked."""
    rng = np.random.default_rng(12)
    x, background = rng.normal(size=(2, 5, 4))
    w, v = rng.normal(size=(4, 5)), rng.normal(size=(5, 1))
    w[3], x[:, 3], background[:, 3] = w[1], x[:, 1], background[:, 1]
    found = network(w, v, background).explain(x, 24)[1]
    np.testing.assert_allclose(found[:, 1], found[:, 3], atol=1e-12)


def test_a_row_is_explained_alike_whatever_rows_come_with_it():
    """Alone or among others, a row has the same contributions; asked again, to the last bit."""
    rng = np.random.default_rng(13)
    x, background = rng.integers(-3, 4, (2, 60, 10)).astype(float)
    found = random_network(rng, 10, 1, background, "square")
    together = found.explain(x)[1]
    alone = np.concatenate([found.explain(row[None])[1] for row in x])
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(together, found.explain(x)[1])


def test_orders_are_drawn_alike_by_every_process():
    """The orders depend on nothing but their number and sizes."""
    code = "from serving.explanation.shapley import orders; print(orders(9, 3, 4).tolist())"
    argv = [sys.executable, "-c", code]
    again = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert json.loads(again) == orders(9, 3, 4).tolist()


@pytest.fixture(scope="module")
def flight_model(make_delays):
    """The small model with two background rows, one without a distance."""
    files = make_delays(0)
    files.more["background.json"] = {
        "carrier": ["UA", "AA"],
        "hour": [8, 10],
        "distance": [None, 0.5],
    }
    return load("flight-delays", "1", "sha256:m", files.titled())


def columns(*rows):
    """Inputs of the small model, of rows (carrier, hour, distance)."""
    types = {"carrier": np.object_, "hour": np.int64, "distance": np.float32}
    return {
        name: np.array([row[place] for row in rows], dtype).reshape(-1, 1)
        for place, (name, dtype) in enumerate(types.items())
    }


def test_columns_of_any_datatype_are_explained(flight_model):
    """Texts, integers and missing numbers contribute under their inputs' names."""
    [found] = explain(
        flight_model, columns(("UA", 20, 0.25), ("AA", 9, float("nan"))), ["probability"]
    )
    assert (found.name, found.features) == ("probability", ("carrier", "hour", "distance"))
    np.testing.assert_allclose(found.base_value, [0.25 + 0.09 + 0.25] * 2, rtol=1e-6)
    np.testing.assert_allclose(
        found.contributions, [[0.25, 0.11, 0.0], [-0.25, 0.0, -0.25]], atol=1e-6
    )


def test_an_explanation_is_two_tensors_and_a_parameter(flight_model):
    """The protocol's parameters are single values, as gRPC has no others: the names are a text."""
    found = explain(flight_model, columns(("UA", 20, 0.25)), ["probability"])
    assert [(name, array.dtype, array.shape) for name, array in found[0].tensors()] == [
        ("probability.contributions", np.float64, (1, 3)),
        ("probability.base_value", np.float64, (1,)),
    ]
    assert response_parameters(found) == {"features": '["carrier","hour","distance"]'}


def test_an_explanation_of_rows_names_its_features(flight_model):
    """In rows form the contributions stand under their features."""
    [found] = explain(flight_model, columns(("UA", 20, 0.25), ("AA", 9, 1)), ["probability"])
    assert found.rows()[1] == {
        "probability.base_value": pytest.approx(0.59),
        "probability.contributions": {
            "carrier": pytest.approx(-0.25),
            "hour": pytest.approx(0, abs=1e-6),
            "distance": pytest.approx(0.75),
        },
    }


def test_several_values_a_row_stand_under_each_feature():
    """In rows form a feature has as many contributions as the output has values."""
    rng = np.random.default_rng(14)
    found = random_network(rng, 3, 2, rng.normal(size=(2, 3)))
    x = rng.normal(size=(2, 3))
    [output] = explain(found.model, {"x": x}, ["y"])
    row = output.rows()[0]
    assert row["y.contributions"]["x[1]"] == output.contributions[0, :, 1].tolist()
    assert row["y.base_value"] == output.base_value[0].tolist()


def test_a_request_asks_by_a_truth_value():
    """Nothing else is taken for yes or for no."""
    assert [wants_explanation(given) for given in ({}, {"explain": False}, {"explain": True})] == [
        *(False, False, True)
    ]
    with pytest.raises(RequestError, match="'explain' is true or false"):
        wants_explanation({"explain": "yes"})


def refused(*arguments):
    """The one line that a request is refused with."""
    with pytest.raises(RequestError) as caught:
        explain(*arguments)
    assert caught.value.status == 422
    return str(caught.value)


def test_a_model_without_background_rows_says_so(make_delays):
    """It answers predictions, and 422 to who asks why."""
    model = load("flight-delays", "3", "sha256:m", make_delays(0).titled())
    assert refused(model, columns(("UA", 1, 1)), ["probability"]) == (
        "version 3 of 'flight-delays' cannot be explained: it was packaged without background.json"
    )


def test_too_many_rows_are_refused_at_once(flight_model):
    """The bound is on rows that have to be scored: these are 2 x 2 x 3 for each row."""
    budget = Explanations(max_scored=30)
    rows = [("UA", 1, 1)] * 3
    explain(flight_model, columns(*rows[:2]), ["probability"], budget)
    assert refused(flight_model, columns(*rows), ["probability"], budget) == (
        "a request has at most 2 rows of this model explained, this one has 3"
    )


def test_outputs_that_are_no_numbers_by_row_are_left_out(mirror_files):
    """Texts and truths are not explained; where nothing else was asked for, that is said."""
    values = mirror_files.signature["example"]
    mirror_files = replace(
        mirror_files,
        more={"background.json": {name: [value] for name, value in values.items()}},
    )
    model = load("m", "1", "sha256:m", mirror_files.titled())
    arrays = dict(model.background)
    found = explain(model, arrays, ["out_BYTES", "out_INT8", "out_BOOL", "out_FP16"])
    assert [each.name for each in found] == ["out_INT8", "out_FP16"]
    assert found[0].features[:3] == ("in_BOOL[0]", "in_BOOL[1]", "in_INT8[0]")
    assert "none of the outputs ['out_BYTES'] has numbers" in refused(model, arrays, ["out_BYTES"])


def test_scores_that_are_not_finite_are_refused():
    """Contributions to a NaN would say nothing: the caller is told so."""
    found = network(np.eye(2), np.ones((2, 1)), np.ones((1, 2)), "log")
    assert "not a finite number" in refused(found.model, {"x": -np.ones((1, 2))}, ["y"])


def test_wide_outputs_are_refused():
    """An output of many values a row would be answered many times over."""
    found = network(np.eye(20), np.eye(20), np.ones((1, 20)))
    assert "at most 16 values" in refused(found.model, {"x": np.ones((1, 20))}, ["y"])
