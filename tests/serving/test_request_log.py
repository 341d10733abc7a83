"""The log of requests: what a line says, and how many there may be."""

import asyncio
import http.client
import json
import logging

import msgspec
import pytest

from serving.errors import LONGEST_MESSAGE, RequestError
from serving.middleware import access_log
from serving.middleware.access_log import LINES_PER_SECOND, RequestInfo, RequestLog
from serving.protocol.datatypes import BY_NAME
from serving.protocol.rows import row_reader
from serving.protocol.tensors import TensorReader

INFER = "/v2/models/flight-delays/infer"
REQUEST = RequestInfo("infer", "r1", "t1", "team")


@pytest.fixture
def lines():
    """The lines that are logged: (event, fields)."""
    found = []

    class Keep(logging.Handler):
        def emit(self, record):
            found.append((record.getMessage(), record.fields))

    logger, handler = logging.getLogger("slipway.serving"), Keep()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(access_log, "time", clock)
    return clock


def test_a_line_says_who_what_and_why(lines):
    """Request id, trace id, route, key, code and reason; what is not known is left out."""
    log = RequestLog()
    log.refused(REQUEST, 422, "unprocessable")
    log.refused(RequestInfo("live", "r2"), 503, "no model")
    log.crashed(REQUEST, ValueError("of ours"))
    log.answered(REQUEST, 200)
    known = {"request_id": "r1", "route": "infer", "trace_id": "t1", "key": "team"}
    assert lines == [
        ("request_refused", known | {"code": 422, "reason": "unprocessable"}),
        (
            "request_failed",
            {"request_id": "r2", "route": "live", "code": 503, "reason": "no model"},
        ),
        ("request_crashed", known | {"code": 500}),
        ("request_answered", known | {"code": 200}),
    ]


def test_a_reason_is_bounded(lines):
    """A reason that repeats what a client sent does not make a line longer than it may be."""
    RequestLog().refused(REQUEST, 422, f"first {'x' * 10_000}\nlast")
    reason = lines[0][1]["reason"]
    assert len(reason) <= LONGEST_MESSAGE
    assert (reason[:7], reason[-5:]) == ("first x", " last")


@pytest.mark.parametrize("row", [{}, {"input_7": "text"}, {"input_7": 1, "x" * 5000: 1}])
def test_a_reason_names_the_field_that_is_wrong(lines, row):
    """However many inputs the model has, and however long its own names or the caller's are."""
    datatype = BY_NAME["INT64"]
    names = [f"input_{number}" if number == 7 else f"{'i' * 90}_{number}" for number in range(200)]
    reader = row_reader([TensorReader(name, datatype, (-1, 1)) for name in names])
    given = dict.fromkeys(names, 1) | {"input_7": 1} | row if row else dict.fromkeys(names[:7], 1)
    with pytest.raises(RequestError) as caught:
        reader.read(msgspec.Raw(json.dumps([given]).encode()), 1)
    RequestLog().refused(REQUEST, 422, str(caught.value))
    reason = lines[0][1]["reason"]
    field = "x" * 50 if len(row) > 1 else "input_7"
    assert field in reason
    assert "$[0]" in reason or len(row) > 1
    assert len(str(caught.value)) <= LONGEST_MESSAGE


def test_a_flood_is_so_many_lines_a_second_and_a_count(lines, clock):
    """Each second has its lines, and how many were left out is told with the next."""

    async def flood():
        log = RequestLog(lines=3)
        for _ in range(3):
            for _ in range(100):
                log.refused(REQUEST, 400, "bad")
                log.crashed(REQUEST, RequestError(400, "bad"))
            clock.now += 1.0
        log.refused(REQUEST, 400, "bad")

    asyncio.run(flood())
    events = [event for event, _ in lines]
    second = ["request_refused", "request_crashed", "request_refused", "requests_suppressed"]
    assert events == [*second * 3, "request_refused"]
    counts = [fields for event, fields in lines if event == "requests_suppressed"]
    assert counts == [{"count": 197, "lines_per_second": 3}] * 3


def test_the_count_is_told_though_nothing_follows(lines):
    """The end of a flood is in the log, too."""

    async def flood():
        log = RequestLog(lines=1)
        for _ in range(5):
            log.refused(REQUEST, 400, "bad")
        while len(lines) < 2:  # noqa: ASYNC110  # a log cannot be awaited
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(flood(), 30))
    assert lines[-1] == ("requests_suppressed", {"count": 4, "lines_per_second": 1})


def test_a_flood_of_bad_requests_keeps_the_log_bounded(launch, make_platform):
    """Thousands of refused requests are a few lines, and every one of them is accounted for."""
    server = launch(make_platform().address)
    before = len(server.events())
    count = 2000
    connection = http.client.HTTPConnection("127.0.0.1", server.config["port"], timeout=30)
    for _ in range(count):
        connection.request("POST", INFER, b"{")
        answer = connection.getresponse()
        assert (answer.status, "x-request-id" in answer.headers) == (400, True)
        answer.read()
    connection.close()
    # Its end tells what was left out last.
    server.stop()
    events = server.events()
    written = [event for event in events if event["event"] == "request_refused"]
    suppressed = sum(each["count"] for each in events if each["event"] == "requests_suppressed")
    seconds = len({event["time"][:19] for event in written})
    assert len(written) + suppressed == count
    assert len(written) <= LINES_PER_SECOND * (seconds + 1)
    assert len(events) - before < count / 2
    assert json.dumps(written[0]).count(written[0]["request_id"]) == 1


def test_requests_that_went_well_are_not_logged(launch, platform, make_delays, flights, wait_until):
    """A server that nobody told to logs no success; a probe that says not ready is none either."""
    server = launch(platform.address)
    assert server.answers("/v2/health/ready", 503)
    platform.release("1", make_delays(0))
    wait_until(lambda: server.serves("1"), "version 1")
    connection = http.client.HTTPConnection("127.0.0.1", server.config["port"], timeout=30)
    connection.request("POST", INFER, json.dumps(flights(("UA", 8, 0.25))))
    answer = connection.getresponse()
    assert (answer.status, bool(answer.read())) == (200, True)
    connection.close()
    server.stop()
    allowed = {"request_refused"}  # `serves` asks for a version that is not there at first
    logged = {each["event"] for each in server.events() if each["event"].startswith("request")}
    assert logged <= allowed
