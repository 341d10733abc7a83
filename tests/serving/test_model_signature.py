"""A model's signature against its graph, and the trial before traffic."""

import json
from dataclasses import replace

import pytest

from serving.errors import ModelRefusedError, Reason
from serving.models.model import load
from serving.models.warmup import warm_up

DIGEST = "sha256:" + "0" * 64


def make(files):
    """Load a model and put it through its trial."""
    model = load("m", "1", DIGEST, files.titled())
    warm_up(model)
    return model


def changed(files, *path, to):
    """The files with one value of the signature changed."""
    signature = json.loads(json.dumps(files.signature))
    place = signature
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return replace(files, signature=signature)


def test_a_model_that_is_what_it_says_is_taken(make_delays, mirror_files):
    """Models of every datatype load and pass the trial on their own example."""
    assert make(make_delays(0)).output_names == ["probability"]
    assert len(make(mirror_files).readers) == 13


@pytest.mark.parametrize(
    ("path", "to", "complaint"),
    [
        (("inputs", 0, "name"), "airline", "the example must give a value for every input"),
        (("outputs", 0, "name"), "score", "the signature names ['score'], the graph"),
        (("inputs", 1, "datatype"), "INT32", "'hour' is INT32 in the signature, tensor(int64)"),
        (("inputs", 1, "datatype"), "DECIMAL", "unknown datatypes ['DECIMAL']"),
        (("inputs", 1, "name"), "carrier", "must be named, each once"),
        (("inputs", 1, "shape"), [-1], "'hour' is [-1] in the signature, [-1, 1] in the graph"),
        (("inputs", 1, "shape"), [-1, 2], "'hour' is [-1, 2] in the signature, [-1, 1]"),
        (("inputs", 1, "shape"), [-2, 1], "a dimension of inputs is below -1"),
        (("outputs", 0, "shape"), [-1, 1, 1], "'probability' is [-1, 1, 1] in the signature"),
        (("outputs",), [], "must be named, each once, and at least one"),
        (("example",), {"carrier": "UA"}, "the example must give a value for every input"),
        (("inputs",), "none", "Expected `array`, got `str`"),
    ],
)
def test_a_signature_that_is_not_the_graphs_is_refused(make_delays, path, to, complaint):
    """Names, datatypes, ranks and dimensions must be the graph's."""
    with pytest.raises(ModelRefusedError) as caught:
        make(changed(make_delays(0), *path, to=to))
    assert caught.value.reason is Reason.SIGNATURE
    assert complaint in str(caught.value)


def test_a_signature_may_fix_what_the_graph_leaves_open(make_delays):
    """A dimension that is free in the graph may be fixed for callers."""
    assert make(changed(make_delays(0), "outputs", 0, "shape", to=[1, 1])).version == "1"


def test_a_graph_that_is_none_is_refused(make_delays):
    """Bytes that onnxruntime cannot load are refused as such."""
    with pytest.raises(ModelRefusedError) as caught:
        make(replace(make_delays(0), graph=b"not a graph"))
    assert caught.value.reason is Reason.SESSION


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("hour", "eight", "element 0 is a string, not an integer"),
        ("hour", [1, 2], "its data has 2 elements"),
        ("carrier", None, "element 0 is null, not a string"),
    ],
)
def test_an_example_that_cannot_be_scored_is_refused(make_delays, name, value, complaint):
    """The example must itself be a request that the model answers."""
    with pytest.raises(ModelRefusedError) as caught:
        make(changed(make_delays(0), "example", name, to=value))
    assert caught.value.reason is Reason.WARMUP
    assert complaint in str(caught.value)


def test_a_model_that_gives_nan_is_refused(make_delays):
    """A model whose answer to its own example is not a number takes no traffic."""
    with pytest.raises(ModelRefusedError, match="is not a finite number") as caught:
        make(make_delays(float("nan")))
    assert caught.value.reason is Reason.WARMUP
