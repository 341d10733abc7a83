"""Explanations on the command line: read from an answer, printed by size."""

import io

from rich.console import Console

from slipway.models.explanation import Explanation, explained, explanations
from slipway.models.predict import Prediction
from slipway.reporting import tables

ANSWER = {
    "outputs": [
        {"name": "late", "datatype": "FP32", "shape": [2, 1], "data": [0.3, 0.2]},
        {
            "name": "late.contributions",
            "datatype": "FP64",
            "shape": [2, 3],
            "data": [0.01, -0.11, 0.2, 0.0, 0.1, -0.1],
        },
        {"name": "late.base_value", "datatype": "FP64", "shape": [2], "data": [0.2, 0.2]},
    ],
    "parameters": {"features": '["hour", "carrier", "temp"]'},
}
FIRST = Explanation(0, "late", 0.2, {"temp": 0.2, "carrier": -0.11, "hour": 0.01})


def test_contributions_are_read_row_by_row_the_largest_first() -> None:
    """Whichever way they move the prediction."""
    first, second = explanations(ANSWER)
    assert (first, second) == (
        FIRST,
        Explanation(1, "late", 0.2, {"carrier": 0.1, "temp": -0.1, "hour": 0.0}),
    )
    assert list(first.contributions) == ["temp", "carrier", "hour"]
    assert explained(ANSWER) == {"late.contributions", "late.base_value"}


def test_several_values_a_row_are_told_apart() -> None:
    """Each has a base value and contributions of its own."""
    answer = {
        "outputs": [
            {"name": "p", "shape": [1, 2], "data": [0.25, 0.75]},
            {"name": "p.contributions", "shape": [1, 2, 1], "data": [-0.25, 0.25]},
            {"name": "p.base_value", "shape": [1, 2], "data": [0.5, 0.5]},
        ],
        "parameters": {"features": '["x"]'},
    }
    assert explanations(answer) == [
        Explanation(0, "p[0]", 0.5, {"x": -0.25}),
        Explanation(0, "p[1]", 0.5, {"x": 0.25}),
    ]


def test_an_answer_that_explains_nothing_has_no_explanations() -> None:
    """Its outputs are all predictions."""
    plain = {"outputs": ANSWER["outputs"][:1]}
    assert (explanations(plain), explained(plain)) == ([], set())


def test_a_prediction_is_printed_with_its_reasons() -> None:
    """Feature, value and contribution, below the prediction they belong to."""
    row = {"hour": 8, "carrier": "UA", "temp": None}
    made = Prediction("m", "1", [row], {"late": [0.3]}, 1.5, [FIRST])
    out = io.StringIO()
    tables.prediction(Console(file=out, width=100, color_system=None), made)
    assert [line.split() for line in out.getvalue().splitlines()[1:-1]] == [
        ["late", "is", "0.2000", "on", "average,", "moved", "here", "by"],
        ["feature", "value", "contribution"],
        ["temp", "None", "+0.2000"],
        ["carrier", "UA", "-0.1100"],
        ["hour", "8", "+0.0100"],
    ]


def test_a_long_text_takes_no_room_from_the_figures() -> None:
    """Names and contributions stand whole beside it, at the width of any terminal."""
    row = {"hour": 8, "carrier": "word " * 3000, "temp": "x" * 3000}
    made = Prediction("m", "1", [row], {"late": [0.3]}, 1.5, [FIRST])
    out = io.StringIO()
    tables.prediction(Console(file=out, width=60, color_system=None, soft_wrap=True), made)
    lines = [line.split() for line in out.getvalue().splitlines() if line]
    table = [line for line in lines if line[0] in {*row, "feature"}]
    assert [(line[0], line[-1]) for line in table] == [
        ("feature", "contribution"),
        ("temp", "+0.2000"),
        ("carrier", "-0.1100"),
        ("hour", "+0.0100"),
    ]
    assert len(out.getvalue()) < 4000


def test_values_of_any_kind_are_printed() -> None:
    """Several a row, texts, and what is missing, which only numbers have digits for."""
    outputs = {"p": [[0.25, 0.75]], "label": ["late"], "score": [None]}
    out = io.StringIO()
    tables.prediction(
        Console(file=out, width=100, color_system=None),
        Prediction("m", "1", [{}], outputs, 1.5),
    )
    assert "p [0.2500, 0.7500], label late, score None" in out.getvalue()
