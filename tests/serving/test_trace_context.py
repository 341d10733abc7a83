"""W3C Trace Context: what is taken, what is ignored, and what goes back.

Cases are those that the W3C's own test service (w3c/trace-context) tells of, written anew.
"""

import re
import string

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.middleware.trace_context import follow, request_id

TRACE = "12345678901234567890123456789012"
SPAN = "1234567890123456"
PARENT = f"00-{TRACE}-{SPAN}-01"
INFER = "/v2/models/flight-delays/infer"
HEX = "0123456789abcdef"


def hexes(size):
    """Hex numbers of so many digits that are not zero."""
    return st.text(HEX, min_size=size, max_size=size).filter(lambda text: text.strip("0"))


@settings(deadline=None)
@given(trace=hexes(32), span=hexes(16), flags=st.text(HEX, min_size=2, max_size=2))
def test_a_valid_parent_is_followed(trace, span, flags):
    """The trace stays, the span is a new one, and only flags that are known are passed on."""
    child = follow([f"00-{trace}-{span}-{flags}"])
    assert child.trace == trace
    assert re.fullmatch("[0-9a-f]{16}", child.span)
    assert child.span not in (span, "0" * 16)
    assert int(child.flags, 16) == int(flags, 16) & 3
    [(name, value)] = child.headers
    assert (name, value) == ("traceparent", f"00-{trace}-{child.span}-{child.flags}")
    assert follow([value]).trace == trace


@pytest.mark.parametrize(
    "parent",
    [
        "cc-12345678901234567890123456789012-1234567890123456-01",
        "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
        " 00-12345678901234567890123456789012-1234567890123456-01",
        "\t 00-12345678901234567890123456789012-1234567890123456-01 \t",
    ],
)
def test_later_versions_and_blanks_around_are_understood(parent):
    """What a later version adds is let be, and so are blanks around the value."""
    assert follow([parent]).trace == TRACE


@pytest.mark.parametrize(
    "parent",
    [
        "",
        f"00-{TRACE}-{SPAN}-01.",
        f"00-{TRACE}-{SPAN}-01-what-the-future-will-be-like",
        f"cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like",
        f"ff-{TRACE}-{SPAN}-01",
        f".0-{TRACE}-{SPAN}-01",
        f"000-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-.{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}3-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{'ABCDEF' + TRACE[6:]}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-.{SPAN[1:]}-01",
        f"00-{TRACE}-{SPAN}7-01",
        f"00-{TRACE}-{SPAN[1:]}-01",
        f"00-{TRACE}-{SPAN}-.0",
        f"00-{TRACE}-{SPAN}-001",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_an_invalid_parent_is_ignored(parent):
    """What is not exactly of the form is no trace, and its state is of no use."""
    assert follow([parent], ["foo=1"]) is None


def test_two_parents_are_none():
    """Whose child it would be cannot be told."""
    assert follow([PARENT, PARENT]) is None
    assert follow([]) is None


@settings(deadline=None)
@given(parent=st.text(string.printable) | st.text())
def test_no_text_breaks_it(parent):
    """Whatever comes as a parent, the answer is a trace or none."""
    followed = follow([parent], [parent])
    assert followed is None or followed.trace in parent


KEY = string.ascii_lowercase + string.digits + "_-*/"
VALUE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")
MANY = [f"bar{index:02}={index:02}" for index in range(1, 34)]


@pytest.mark.parametrize(
    ("states", "passed"),
    [
        ([], ""),
        ([""], ""),
        (["foo=1,bar=2"], "foo=1,bar=2"),
        (["foo=1", ""], "foo=1"),
        (["", "foo=1"], "foo=1"),
        (["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3"),
        (["foo=1 \t , \t bar=2, \t baz=3\t"], "foo=1,bar=2,baz=3"),
        ([f"{KEY}={VALUE}"], f"{KEY}={VALUE}"),
        ([f"{KEY}@a-z0-9_-*/={VALUE}"], f"{KEY}@a-z0-9_-*/={VALUE}"),
        (["foo=1", "z" * 256 + "=1"], f"foo=1,{'z' * 256}=1"),
        (["foo=1", "t" * 241 + "@" + "v" * 14 + "=1"], f"foo=1,{'t' * 241}@{'v' * 14}=1"),
        ([",".join(MANY[:32])], ",".join(MANY[:32])),
    ],
)
def test_a_valid_state_is_passed_on(states, passed):
    """All headers' members in their order, in one."""
    assert follow([PARENT], states).state == passed


@pytest.mark.parametrize(
    "states",
    [
        ["foo=1,foo=1"],
        ["foo=1", "foo=2"],
        ["foo =1"],
        ["FOO=1"],
        ["foo.bar=1"],
        ["foo@=1,bar=2"],
        ["@foo=1,bar=2"],
        ["foo@@bar=1,bar=2"],
        ["foo@bar@baz=1,bar=2"],
        [",".join(MANY)],
        ["foo=1", "z" * 257 + "=1"],
        ["foo=1", "t" * 242 + "@v=1"],
        ["foo=1", "t@" + "v" * 15 + "=1"],
        ["foo=bar=baz"],
        ["foo=,bar=3"],
        ["foo=1\n"],
        ["foo=é"],
    ],
)
def test_a_malformed_state_is_dropped_and_the_trace_kept(states):
    """One bad member spoils them all, but not the trace."""
    child = follow([PARENT], states)
    assert (child.trace, child.state) == (TRACE, "")


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 200), max_size=32))
def test_a_long_state_is_shortened_by_the_rules(lengths):
    """At most 512 characters: members over 128 go first, then the last; the order stays."""
    members = [f"k{index}={'v' * length}" for index, length in enumerate(lengths)]
    state = follow([PARENT], members).state
    kept = state.split(",") if state else []
    assert len(state) <= 512
    assert [member for member in members if member in kept] == kept
    if len(",".join(members)) <= 512:
        assert kept == members
    else:
        short = [member for member in members if len(member) <= 128]
        assert kept == short[: len(kept)]


@pytest.mark.parametrize("given_id", ["a", "req-1/2:3", "x" * 128, "{}<>\"'"])
def test_a_sane_request_id_is_taken(given_id):
    """Up to 128 printable characters of ASCII are the caller's to choose."""
    assert request_id(given_id) == given_id


@pytest.mark.parametrize("given_id", [None, "", " ", "a b", "x" * 129, "a\n", "é", "\x7f"])
def test_another_request_id_is_replaced(given_id):
    """What could be missing, blank, long or unprintable is not repeated into a log."""
    made = request_id(given_id)
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert made != request_id(given_id)


@pytest.fixture(scope="module")
def server(launch, make_platform, make_delays, wait_until):
    """A server with the small model that logs every request."""
    platform = make_platform()
    platform.release("1", make_delays(0))
    server = launch(platform.address, log_requests=True)
    wait_until(lambda: server.serves("1"), "version 1")
    return server


@pytest.mark.parametrize(("content", "status"), [(None, 200), (b"{", 400)])
def test_trace_and_id_go_back_and_into_the_log(server, flights, content, status):
    """An answer carries the child and the state, the id is echoed, and the log has both."""
    headers = [
        ("TraceParent", PARENT),
        ("tracestate", "foo=1"),
        ("tracestate", "bar=2"),
        ("x-request-id", f"mine-{status}"),
    ]
    body = {"json": flights(("UA", 8, 0.25))} if content is None else {"content": content}
    answer = httpx.post(server.url + INFER, headers=headers, trust_env=False, **body)
    child = follow([answer.headers["traceparent"]])
    assert (answer.status_code, child.trace) == (status, TRACE)
    assert answer.headers["tracestate"] == "foo=1,bar=2"
    assert answer.headers["x-request-id"] == f"mine-{status}"
    [line] = [each for each in server.events() if each.get("request_id") == f"mine-{status}"]
    assert (line["trace_id"], line["route"], line["code"]) == (TRACE, "infer", status)


def test_two_parents_over_http_are_none(server, flights):
    """A caller with two parents gets no trace back, though each were valid."""
    headers = [("traceparent", PARENT), ("traceparent", PARENT)]
    body = flights(("UA", 8, 0.25))
    answer = httpx.post(server.url + INFER, headers=headers, json=body, trust_env=False)
    assert answer.status_code == 200
    assert "traceparent" not in answer.headers


def test_who_sends_nothing_gets_nothing_back_but_for_failures(
    launch, platform, make_delays, flights, wait_until
):
    """A success has no header more; a failure has the id under which the log knows it."""
    platform.release("1", make_delays(0))
    server = launch(platform.address)
    wait_until(lambda: server.serves("1"), "version 1")
    body = flights(("UA", 8, 0.25))
    answer = httpx.post(server.url + INFER, json=body, trust_env=False)
    assert set(answer.headers) == {"content-type", "content-length", "server", "date"}
    answer = httpx.post(server.url + INFER, content=b"{", trust_env=False)
    made = answer.headers["x-request-id"]
    [line] = [each for each in server.events() if each.get("request_id") == made]
    assert (line["event"], line["reason"]) == ("request_refused", answer.json()["error"])


def test_an_unfit_request_id_is_not_repeated(server):
    """A made id stands in the answer and in the log for one that is too long."""
    headers = {"x-request-id": "x" * 129}
    answer = httpx.post(server.url + INFER, content=b"{", headers=headers, trust_env=False)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert "x" * 129 not in server.log.read_text()
