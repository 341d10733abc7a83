"""Labels over `POST /v2/feedback`: what is taken, what is refused and how."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.agent.delivery.journals import Journals
from serving.errors import RequestError
from serving.prediction_log import feedback
from serving.prediction_log.journal import Journal

CAPACITY = 1 << 24


def labels_in(folder):
    """The journal's labels, without their times."""
    parts, _ = Journals(folder, lambda writer: 0, lambda: None).read(CAPACITY)
    records = [record for part in parts for frame in part.frames for record in frame.records]
    return [(record.id, record.row, record.value) for record in records]


def accept(body, journal):
    """The answer to a body; what is counted is looked at over HTTP."""
    return feedback.accept(body, journal, lambda number: None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": "a", "value": 1}, [("a", 0, 1.0)]),
        ({"id": "a", "value": True, "row": 3}, [("a", 3, True)]),
        ({"labels": [{"id": "a", "value": "late"}] * 2}, [("a", 0, "late")] * 2),
        ({"id": "a", "value": 2**53 + 1}, [("a", 0, 2**53 + 1)]),
        ({"id": "a", "value": -(2**63)}, [("a", 0, -(2**63))]),
        ({"labels": []}, []),
    ],
)
def test_labels_are_kept_before_they_are_acknowledged(tmp_path, body, expected):
    """One label or many: the answer says how many are in the journal."""
    answer = accept(json.dumps(body).encode(), Journal(tmp_path, CAPACITY))
    assert answer == (200, b'{"accepted":%d}' % len(expected))
    assert labels_in(tmp_path) == expected


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("", 400, "the body is no JSON: Input data was truncated"),
        ("{", 400, "the body is no JSON: Input data was truncated"),
        ("[]", 422, "the body is no feedback: Expected `object`, got `array`"),
        ("{}", 422, "a label needs `id` and `value`; several stand under `labels`"),
        ('{"id": "a"}', 422, "a label needs `id` and `value`; several stand under `labels`"),
        (
            '{"id": "a", "value": 1, "labels": []}',
            422,
            "the body has either `labels`, or one label's own fields",
        ),
        (
            '{"id": "a", "value": null}',
            422,
            "the body is no feedback: Expected `bool | int | float | str`, got `null` - at"
            " `$.value`",
        ),
        (
            '{"id": "", "value": 1}',
            422,
            "the body is no feedback: Expected `str` of length >= 1 - at `$.id`",
        ),
        (
            '{"id": "a", "value": 1, "row": -1}',
            422,
            "the body is no feedback: Expected `int` >= 0 - at `$.row`",
        ),
        (
            '{"labels": [{"id": "a", "vlaue": 1}]}',
            422,
            "the body is no feedback: Object contains unknown field `vlaue` - at `$.labels[0]`",
        ),
        (
            '{"id": "a", "value": 1, "a\\nb": 1}',
            422,
            "the body is no feedback: Object contains unknown field `a b`",
        ),
        (
            '{"id": "a", "value": 1e999}',
            422,
            "the body is no feedback: Number out of range - at `$.value`",
        ),
        (
            f'{{"id": "a", "value": {2**63}}}',
            422,
            f"the body is no feedback: Expected `int` <= {2**63 - 1} - at `$.value`",
        ),
        (
            json.dumps({"labels": [{"id": "a", "value": 1}] * 10_001}),
            422,
            "the body is no feedback: Expected `array` of length <= 10000 - at `$.labels`",
        ),
    ],
    ids=range(14),
)
def test_what_is_no_label_is_refused_in_one_line(tmp_path, body, status, message):
    """The answer says what is wrong and where; nothing is kept."""
    with pytest.raises(RequestError) as caught:
        accept(body.encode(), Journal(tmp_path, CAPACITY))
    assert (caught.value.status, str(caught.value)) == (status, message)
    assert labels_in(tmp_path) == []


def test_a_full_journal_asks_to_come_again(tmp_path):
    """A label that cannot be kept is never acknowledged: 503 with Retry-After."""
    with pytest.raises(RequestError) as caught:
        accept(b'{"id": "a", "value": 1}', Journal(tmp_path, 1))
    assert caught.value.status == 503
    assert caught.value.headers == (("retry-after", "1"),)


def test_without_a_log_there_is_no_feedback():
    """A server that keeps no log says so, and how to mend it."""
    with pytest.raises(RequestError, match="set `log` to keep one") as caught:
        accept(b'{"id": "a", "value": 1}', None)
    assert caught.value.status == 501


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
LABELS = st.fixed_dictionaries(
    {}, optional={"id": JSON | st.text(max_size=300), "value": JSON, "row": JSON}
)
BODIES = (
    st.binary(max_size=50)
    | (LABELS | st.fixed_dictionaries({"labels": st.lists(LABELS | JSON, max_size=4)})).map(
        lambda body: json.dumps(body).encode()
    )
    | st.text(alphabet='\\ud8f0 09afeEdD+-.{}[]":,idvalue', max_size=40).map(
        lambda text: f'{{"id": "{text}", "value": {text or 1}}}'.encode()
    )
)


def accepted(body, journal):
    """Status and text of the answer, whichever way it comes."""
    try:
        status, answer = accept(body, journal)
    except RequestError as error:
        return error.status, str(error)
    return status, answer.decode()


@settings(max_examples=300, deadline=None)
@given(body=BODIES)
def test_whatever_comes_is_taken_or_refused(tmp_path_factory, body):
    """Any bytes are a 200 whose labels can be read, or a 400 or 422 of one line."""
    folder = tmp_path_factory.getbasetemp() / "any"
    journal = Journal(folder, CAPACITY)
    before = len(labels_in(folder))
    status, answer = accepted(body, journal)
    kept = json.loads(answer)["accepted"] if status == 200 else 0
    assert status in (200, 400, 422)
    assert "\n" not in answer
    assert len(labels_in(folder)) == before + kept
    journal.close()
