"""Texts as a pipeline's parameters."""

import pytest

from infra.kubeflow.parameters import ParameterError, declared, typed


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("STRING", "1", "1"),
        ("NUMBER_INTEGER", "12", 12),
        ("NUMBER_DOUBLE", "0.5", 0.5),
        ("BOOLEAN", "true", True),
        ("LIST", "[1, 2]", [1, 2]),
        ("STRUCT", '{"a": 1}', {"a": 1}),
    ],
)
def test_texts_are_read_by_the_declared_type(kind, text, value):
    """Each kfp type reads its text."""
    assert typed({"x": kind}, {"x": text}) == {"x": value}


@pytest.mark.parametrize("kind", ["NUMBER_INTEGER", "NUMBER_DOUBLE", "BOOLEAN", "LIST"])
def test_text_of_another_type_is_refused(kind):
    """A text that cannot be read is refused by name and wanted type."""
    with pytest.raises(ParameterError, match=r"^x='no' is not "):
        typed({"x": kind}, {"x": "no"})


def test_unknown_parameter_is_refused_with_those_there_are():
    """Cause and remedy are one line."""
    with pytest.raises(ParameterError, match=r"^the pipeline has no parameter y: valid are: x$"):
        typed({"x": "STRING"}, {"y": "1"})


def test_a_pipeline_without_parameters_declares_none():
    """KFP leaves the empty mapping out."""
    assert declared({"root": {}}) == {}
