"""Observing: what is counted of predictions equals what a slow count finds."""

import json
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from serving.agent.drift.metrics import BUCKETS, OTHER, DriftMetrics
from serving.agent.drift.observer import Observer, references
from serving.models.reference import Category, Numeric, Reference
from serving.prediction_log.records import Prediction
from serving.rollout.cache import Cache, digest_of

REFERENCE = Reference(
    {
        "hour": Numeric(0.0, (5, 12, 23)),
        "distance": Numeric(0.1, (80.0, 4983.0)),
        "carrier": Category(0.0, {"UA": 0.75, "AA": 0.25}),
    }
)
FEATURES = ["hour", "distance", "carrier"]


class Watched:
    """An observer, and what it counted."""

    def __init__(self, found=REFERENCE):
        self.own = CollectorRegistry()
        self.observer = Observer(lambda digest: found, DriftMetrics("m", self.own))

    def value(self, name, **labels):
        """One series' value."""
        return self.own.get_sample_value(name, {"model": "m"} | labels)

    def feature(self, name):
        """Values outside and missing of a feature."""
        kinds = ("out_of_range", "missing")
        return tuple(self.value(f"slipway_feature_{kind}_total", feature=name) for kind in kinds)


def prediction(inputs, outputs, slot="champion", digest="sha256:m"):
    """A record of the inputs' and outputs' columns."""
    rows = max(map(len, inputs.values()), default=0)
    return Prediction("1", 0, "m", "1", digest, slot, 0.001, rows, inputs, outputs)


rows = st.tuples(
    st.integers(-5, 30),
    st.none() | st.floats(-100, 6000, width=32),
    st.sampled_from(["UA", "AA", "XX", ""]),
    st.floats(-20, 20, width=32) | st.just(float("nan")),
)
batches = st.lists(
    st.tuples(
        st.lists(rows, min_size=1, max_size=4),
        st.booleans(),
        st.sampled_from(["champion", "challenger", "shadow"]),
        st.permutations(FEATURES),
    ),
    max_size=12,
)


def record_of(given_rows, missing, slot, names):
    """A record of rows, its inputs in the order of `names`; what misses is NaN if `missing`."""
    hours, distances, carriers, said = zip(*given_rows, strict=True)
    values = {"hour": hours, "carrier": carriers}
    values["distance"] = [math.nan if missing and d is None else d for d in distances]
    inputs = {name: list(values[name]) for name in names}
    return prediction(inputs, {"probability": list(said)}, slot)


@settings(deadline=None, max_examples=100)
@given(batch=batches)
def test_counts_are_those_of_a_slow_count(batch):
    """Whatever rows, slots, order and form, in any batches; a shadow's inputs count once."""
    watched = Watched()
    watched.observer.observe([record_of(*each) for each in batch])
    seen = [row for given_rows, _, slot, _ in batch if slot != "shadow" for row in given_rows]
    if seen:
        known = [row[1] for row in seen if row[1] is not None]
        assert watched.feature("hour") == (sum(not 5 <= row[0] <= 23 for row in seen), 0)
        assert watched.feature("distance") == (
            sum(not 80 - 1e-4 <= value <= 4983 + 1e-2 for value in known),
            len(seen) - len(known),
        )
        assert watched.feature("carrier") == (
            sum(row[2] == "XX" for row in seen),
            sum(row[2] == "" for row in seen),
        )
    for slot in {slot for _, _, slot, _ in batch}:
        said = [row[3] for given_rows, _, of, _ in batch if of == slot for row in given_rows]
        finite = [value for value in said if not np.isnan(value)]
        labels = {"slot": slot, "output": "probability"}
        assert watched.value("slipway_prediction_value_count", **labels) == len(finite)
        for bound in (0.0, 0.5, 1.0, 10.0):
            assert watched.value("slipway_prediction_value_bucket", le=str(bound), **labels) == sum(
                value <= bound for value in finite
            )


def test_a_model_without_a_reference_has_its_missing_values_counted():
    """Ranges are not known; what is missing is."""
    watched = Watched(None)
    values = {"distance": [1e9, None], "carrier": ["XX", ""]}
    watched.observer.observe([prediction(values, {})])
    assert (watched.feature("distance"), watched.feature("carrier")) == ((0, 1), (0, 1))


def test_each_model_is_held_against_its_own_reference():
    """A batch may have records of two models, as it does at a swap."""
    own = CollectorRegistry()
    found = {
        "sha256:a": Reference({"hour": Numeric(0.0, (0, 10))}),
        "sha256:b": Reference({"hour": Numeric(0.0, (0, 20))}),
    }
    observer = Observer(found.get, DriftMetrics("m", own))
    hours = {"hour": [15]}
    observer.observe([prediction(hours, {}, digest=digest) for digest in (*found, *found)])
    labels = {"model": "m", "feature": "hour"}
    assert own.get_sample_value("slipway_feature_out_of_range_total", labels) == 2


def test_texts_and_truths_have_no_distribution():
    """Outputs that are no numbers are left out."""
    watched = Watched()
    outputs = {"label": ["late"], "late": [True]}
    watched.observer.observe([prediction({}, outputs)])
    assert [sample.name for metric in watched.own.collect() for sample in metric.samples] == []


def test_names_are_bounded_across_models():
    """A thousand models with other features leave a bounded number of series."""
    watched = Watched(None)
    for number in range(1000):
        inputs = {f"x{number}": [None]}
        outputs = {f"y{number}": [0.5]}
        watched.observer.observe([prediction(inputs, outputs)])
    assert watched.feature("x0") == (0, 1)
    assert watched.feature(OTHER) == (0, 1000 - 512)
    labels = {"slot": "champion", "output": OTHER}
    assert watched.value("slipway_prediction_value_count", **labels) == 1000 - 32


def test_a_record_that_cannot_be_counted_holds_nobody_up(caplog):
    """The log goes on without its counts, and says so."""
    watched = Watched()
    watched.observer.observe([prediction({"hour": [1, "two"]}, {})])
    assert "observing_crashed" in caplog.text


def test_buckets_ascend():
    """Probabilities fall in twentieths, other numbers in wider steps."""
    assert list(BUCKETS) == sorted(set(BUCKETS))


def test_references_come_from_the_cache_by_the_model_s_digest(tmp_path):
    """Of the artifact's manifest; none where the model has none, or is not there any more."""
    cache = Cache(tmp_path)

    def keep(data):
        cache.put(digest_of(data), data)
        return digest_of(data)

    hour = {"kind": "numeric", "missing": 0.0, "quantiles": [1, 2]}
    contents = {"model.onnx": b"graph", "signature.json": b"{}"}
    layers = [
        {
            "digest": keep(data),
            "size": len(data),
            "annotations": {"org.opencontainers.image.title": title},
        }
        for title, data in [
            *contents.items(),
            ("reference.json", json.dumps({"features": {"hour": hour}}).encode()),
        ]
    ]
    with_reference = keep(json.dumps({"layers": layers}).encode())
    without = keep(json.dumps({"layers": layers[:2]}).encode())
    find = references(cache)
    assert find(with_reference) == Reference({"hour": Numeric(0.0, (1, 2))})
    assert find(without) is None
    assert find("sha256:gone") is None
