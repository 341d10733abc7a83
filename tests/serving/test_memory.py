"""A worker keeps nothing of a request once it is answered."""

import http.client
import json

import psutil
import pytest

ROUND = 4_000
BYTES_A_REQUEST = 128
"""Less than the smallest thing a request is made of here; its own inputs alone are ten times it."""


@pytest.fixture
def server(platform, launch, make_delays, wait_until, tmp_path):
    """A server with a prediction log that answers."""
    platform.release("1", make_delays(0))
    started = launch(platform.address, log={"url": str(tmp_path / "tables")})
    wait_until(lambda: started.serves("1"), "service of version 1")
    return started


def worker_of(server):
    """The one process that answers requests."""
    (worker,) = [
        child
        for child in psutil.Process(server.process.pid).children()
        if "serving.agent" not in child.cmdline()
    ]
    return worker


def ask(server, body, times):
    """Ask on one connection; all must succeed."""
    connection = http.client.HTTPConnection("127.0.0.1", server.config["port"], timeout=30)
    for _ in range(times):
        connection.request("POST", "/v2/models/flight-delays/infer", body)
        response = connection.getresponse()
        assert response.read()
        assert response.status == 200
    connection.close()


def test_memory_is_flat_over_many_requests(server, flights):
    """After warming up, thousands of logged requests leave less behind than one object each.

    The million that the goal names is part of the benchmark: `python -m benchmarks serving`.
    """
    worker = worker_of(server)
    body = json.dumps(flights(*[("UA", hour, 0.5) for hour in range(24)]))

    ask(server, body, ROUND)
    settled = worker.memory_info().rss
    ask(server, body, 2 * ROUND)

    assert worker.memory_info().rss - settled < 2 * ROUND * BYTES_A_REQUEST
