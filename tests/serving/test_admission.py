"""How many requests are in hand at once, and for how long."""

import asyncio
import http.client
import json
import math
import socket
import threading

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from prometheus_client import CollectorRegistry

from serving.errors import RequestError
from serving.metrics.server import Metrics
from serving.middleware.admission import Admission
from serving.middleware.api_keys import ApiKeys
from serving.middleware.draining import Draining
from serving.middleware.guards import Guards
from serving.middleware.request_context import RequestContext

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"


def started(most=2, seconds=60.0):
    """An admission on the running loop."""
    admission = Admission(most, seconds)
    admission.start(asyncio.get_running_loop())
    return admission


async def handle(admission, work):
    """One request, handled as transports do; the status it is answered with."""
    guards = Guards(ApiKeys(()), admission, Draining(), Metrics(MODEL, CollectorRegistry()))
    try:
        async with guards.admit(RequestContext(), {}, infer=True):
            await work()
    except RequestError as error:
        return error.status
    return 200


async def at_once():
    """Work that takes one turn of the loop."""
    await asyncio.sleep(0)


def test_more_than_the_bound_are_refused_until_one_leaves():
    """As many are let in as may be; the next one when one of them is answered."""

    async def scenario():
        admission = started(most=2)
        done = asyncio.Event()
        held = [asyncio.create_task(handle(admission, done.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await asyncio.create_task(handle(admission, at_once))
        in_hand = admission.in_hand
        done.set()
        answered = await asyncio.gather(*held)
        after = await asyncio.create_task(handle(admission, at_once))
        return refused, in_hand, answered, after, admission.in_hand

    assert asyncio.run(scenario()) == (429, 2, [200, 200], 200, 0)


@pytest.mark.parametrize("most", [1, 7])
def test_a_refusal_says_when_to_come_again(most):
    """429 has `retry-after`: whole seconds, at least 1, at most what a request may take."""

    async def scenario():
        admission = started(most=most, seconds=7.5)
        done = asyncio.Event()
        held = [asyncio.create_task(handle(admission, done.wait)) for _ in range(most)]
        await asyncio.sleep(0)
        with pytest.raises(RequestError) as caught:
            admission.enter()
        done.set()
        await asyncio.gather(*held)
        return caught.value

    error = asyncio.run(scenario())
    assert (error.status, error.headers) == (429, (("retry-after", "8"),))


def test_retry_after_follows_the_rate_of_answers():
    """Where answers come fast, one need not wait longer than a second."""

    async def scenario():
        admission = started(most=100, seconds=9.0)
        done = asyncio.Event()
        held = [asyncio.create_task(handle(admission, done.wait)) for _ in range(50)]
        await asyncio.sleep(0)
        before = admission.retry_after()
        while admission.retry_after() > 1:
            await asyncio.create_task(handle(admission, at_once))
        done.set()
        await asyncio.gather(*held)
        return before

    assert asyncio.run(asyncio.wait_for(scenario(), 30)) == math.ceil(9.0)


def test_what_is_not_answered_in_time_is_ended():
    """Each request gets its time, and not much more; those with time left are not touched."""

    async def scenario():
        admission = started(most=10, seconds=0.2)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        slow = [asyncio.create_task(handle(admission, asyncio.Event().wait)) for _ in range(3)]
        statuses = [await slow[0]]
        first = loop.time() - begin
        young = asyncio.create_task(handle(admission, at_once))
        statuses += [await slow[1], await slow[2], await young]
        return statuses, first, admission.in_hand

    statuses, first, in_hand = asyncio.run(scenario())
    assert (statuses, in_hand) == ([408, 408, 408, 200], 0)
    assert first >= 0.2


def test_a_caller_that_left_is_not_taken_for_late():
    """A task that somebody else cancelled goes its way, and gives its place back."""

    async def scenario():
        admission = started()
        task = asyncio.create_task(handle(admission, asyncio.Event().wait))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return admission.in_hand

    assert asyncio.run(scenario()) == 0


def test_nothing_is_scheduled_for_a_request():
    """A thousand requests in hand are looked after by one timer."""

    async def scenario():
        loop = asyncio.get_running_loop()
        admission = started(most=1000)
        done = asyncio.Event()
        held = [asyncio.create_task(handle(admission, done.wait)) for _ in range(1000)]
        await asyncio.sleep(0)
        timers = len(loop._scheduled)
        in_hand = admission.in_hand
        done.set()
        await asyncio.gather(*held)
        admission.stop()
        return timers, in_hand

    assert asyncio.run(scenario()) == (1, 1000)


SIDE = 64
SLOW = 20_000
"""An hour for which the slowed model multiplies matrices for a while; for the example's, hardly."""


def slowed(files):
    """The same model, but it first multiplies as many matrices as the hour says."""
    square = [SIDE, SIDE]
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["on"], ["still_on"]),
            helper.make_node("MatMul", ["matrix", "matrix"], ["product"]),
            helper.make_node("Tanh", ["product"], ["bounded"]),
        ],
        "one_more",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("matrix", TensorProto.FLOAT, square),
        ],
        [
            helper.make_tensor_value_info("still_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("bounded", TensorProto.FLOAT, square),
        ],
    )
    model = onnx.load_from_string(files.graph)
    model.graph.node[-1].output[0] = "quick"
    first = np.full(square, 0.01, np.float32)
    model.graph.initializer.append(numpy_helper.from_array(first, "first"))
    model.graph.node.extend(
        [
            helper.make_node("ReduceMax", ["hour"], ["turns"], keepdims=0),
            helper.make_node("Loop", ["turns", "", "first"], ["last"], body=body),
            helper.make_node("ReduceMax", ["last"], ["most"], keepdims=0),
            helper.make_node("Mul", ["most", "zero"], ["nothing"]),
            helper.make_node("Add", ["quick", "nothing"], ["probability"]),
        ]
    )
    onnx.checker.check_model(model)
    files.graph = model.SerializeToString()
    return files


def ask(server, body, timeout=30):
    """Status, headers and JSON of an infer request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.config["port"], timeout=timeout)
    try:
        connection.request("POST", INFER, body)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        connection.close()


def raw(server, head):
    """A connection on which the head of an infer request was sent."""
    connection = socket.create_connection(("127.0.0.1", server.config["port"]), timeout=30)
    connection.sendall(f"POST {INFER} HTTP/1.1\r\nhost: a\r\n{head}\r\n\r\n".encode())
    return connection


def everything(connection):
    """All that comes until the other side closes."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


@pytest.fixture(scope="module")
def slow(launch, make_platform, make_delays, wait_until):
    """A server whose model takes its time, with room for two requests."""
    platform = make_platform()
    platform.release("1", slowed(make_delays(0)))
    limits = {"max_concurrency": 2, "max_seconds": 20, "max_body_bytes": 100_000}
    server = launch(platform.address, limits=limits)
    wait_until(lambda: server.serves("1"), "version 1")
    return server


def test_a_flood_is_refused_and_what_is_let_in_is_answered(slow, flights):
    """Under a flood of a slow model all are answered, 200 or 429, and probes go on."""
    body = json.dumps(flights(("UA", SLOW // 20, 0.25)))
    answers = []

    def caller():
        answers.extend(ask(slow, body) for _ in range(4))

    callers = [threading.Thread(target=caller) for _ in range(12)]
    for each in callers:
        each.start()
    assert slow.answers("/v2/health/live")
    for each in callers:
        each.join(60)
    statuses = {status for status, _, _ in answers}
    assert len(answers) == 48
    assert 200 in statuses <= {200, 429}


def test_the_bound_is_kept_while_bodies_are_on_their_way(slow, flights, wait_until):
    """A request is in hand from its head on; beyond the bound one is told when to come again."""
    body = json.dumps(flights(("UA", 8, 0.25))).encode()
    held = [raw(slow, f"content-length: {len(body)}") for _ in range(2)]
    try:
        wait_until(lambda: ask(slow, body)[0] == 429, "the bound")
        status, headers, answer = ask(slow, body)
        assert status == 429
        assert 1 <= int(headers["retry-after"]) <= 20
        assert answer == {"error": "2 requests are in hand, which is the most; try again later"}
        series = f'slipway_inference_requests_total{{code="429",model="{MODEL}",slot="none"}}'
        wait_until(lambda: slow.metric(series), "its count")
        for connection in held:
            connection.sendall(body)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    finally:
        for connection in held:
            connection.close()
    wait_until(lambda: ask(slow, body)[0] == 200, "room again")


@pytest.fixture(scope="module")
def hasty(launch, make_platform, make_delays, wait_until):
    """A server that gives a request far too little time, and a connection not much."""
    platform = make_platform()
    platform.release("1", slowed(make_delays(0)))
    limits = {"max_seconds": 0.05, "max_body_bytes": 100_000}
    server = launch(platform.address, limits=limits, idle_seconds=0.5)
    wait_until(lambda: server.serves("1"), "version 1")
    return server


@pytest.mark.parametrize(
    ("head", "piece"),
    [("content-length: 1000", b" "), ("transfer-encoding: chunked", b"1\r\n \r\n")],
)
def test_a_body_byte_by_byte_is_not_waited_for(hasty, head, piece):
    """A body that trickles is answered 408 and the connection closed, measured or chunked."""
    with raw(hasty, head) as connection:
        stop = threading.Event()

        def trickle():
            try:
                while not stop.wait(0.01):
                    connection.sendall(piece)
            except OSError:
                pass

        sender = threading.Thread(target=trickle)
        sender.start()
        try:
            # The other side may reset what is still being sent; the answer came before that.
            received = connection.recv(65536)
        finally:
            stop.set()
            sender.join()
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nconnection: close\r\n" in received
    assert hasty.answers("/v2/health/live")


@pytest.mark.parametrize("sent", [b"", b"POST /v2 HT", b"GET /v2 HTTP/1.1\r\nhost: a\r\nx-"])
def test_a_head_that_does_not_come_ends_its_connection(hasty, sent):
    """Who connects and sends nothing, or half a head, is not waited for."""
    with socket.create_connection(("127.0.0.1", hasty.config["port"]), timeout=30) as connection:
        connection.sendall(sent)
        assert connection.recv(65536) == b""


def test_a_connection_without_requests_is_closed(hasty):
    """A kept-alive connection is kept for a while only."""
    with socket.create_connection(("127.0.0.1", hasty.config["port"]), timeout=30) as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nhost: a\r\n\r\n")
        assert everything(connection).endswith(b'{"live":true}')


def test_a_model_that_takes_too_long_is_not_waited_for(hasty, flights):
    """An answer that is not there in time is 408."""
    # Long enough to be scored beside the loop, which only then can look at the time.
    status, headers, answer = ask(hasty, json.dumps(flights(("UA", SLOW, 0.25))) + " " * 50_000)
    assert (status, headers["connection"]) == (408, "close")
    assert answer["error"].startswith("no answer within 0.05 s of the request's head")


@pytest.mark.parametrize("head", ["content-length: 1000", "transfer-encoding: chunked"])
def test_a_caller_that_hangs_up_is_no_fault_of_ours(slow, flights, wait_until, head):
    """A body that breaks off gives its place back, and is not logged as a crash."""
    for _ in range(5):
        with raw(slow, head) as connection:
            connection.sendall(b"5\r\n{}")
    wait_until(lambda: ask(slow, json.dumps(flights(("UA", 8, 0.25))))[0] == 200, "room")
    assert slow.events("request_crashed") == []


def test_an_overlong_chunked_body_is_refused_as_it_comes(slow):
    """413 comes when the bound is passed, not when the body ends, which may be never."""
    with raw(slow, "transfer-encoding: chunked") as connection:
        for _ in range(3):
            connection.sendall(b"9c40\r\n" + b" " * 40_000 + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_an_overlong_measured_body_is_refused_at_its_head(slow):
    """413 comes before a byte of a body that says how long it is."""
    with raw(slow, "content-length: 100001") as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
