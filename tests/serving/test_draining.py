"""The end of a server under load: it tells callers to go, answers them, and only then ends."""

import http.client
import itertools
import json
import socket
import threading
from dataclasses import dataclass, field

import pytest

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"
NOWHERE = "127.0.0.1:9"


@dataclass
class RequestContext:
    """A client of several servers, as a balancer is: new connections go to one that is ready.

    A request that met the end of a kept-alive connection is sent again on a new one, once, as
    RFC 9112, 9.6 and RFC 9110, 9.2.2 have it; everything else that goes wrong is a failure.
    """

    servers: list
    body: str
    stop: threading.Event
    answered: dict = field(default_factory=dict)
    failures: list = field(default_factory=list)
    again: int = 0
    connection: http.client.HTTPConnection | None = None
    port: int = 0

    def run(self):
        """Ask until told to stop."""
        while not self.stop.is_set():
            try:
                status = self.ask()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                self.leave()
            else:
                self.answered[self.port] = self.answered.get(self.port, 0) + 1
                if status != 200:
                    self.failures.append(status)
        self.leave()

    def ask(self):
        """The status of one request."""
        kept = self.connection is not None
        if not kept:
            self.connect()
        try:
            return self.send()
        except (ConnectionError, http.client.BadStatusLine):
            self.leave()
            if not kept:
                raise
            self.again += 1
            self.connect()
            return self.send()

    def send(self):
        """The status of one request on the connection at hand, which is left if it is to be."""
        self.connection.request("POST", INFER, self.body)
        answer = self.connection.getresponse()
        answer.read()
        if answer.will_close:
            self.leave()
        return answer.status

    def connect(self):
        """Go to the first server that is ready."""
        for server in itertools.islice(itertools.cycle(self.servers), 100):
            if server.answers("/v2/health/ready"):
                self.port = server.config["port"]
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                return
        raise ConnectionError("no server is ready")

    def leave(self):
        """Go from where it is connected to."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


@pytest.fixture
def pair(launch, platform, make_delays, wait_until):
    """Two servers of one model, as a rollout has them; the first gives notice of its end."""
    platform.release("1", make_delays(0))
    servers = [launch(platform.address, workers=workers, notice_seconds=1.0) for workers in (2, 1)]
    for server in servers:
        wait_until(lambda server=server: server.answers("/v2/health/ready"), "a model")
    return servers


def test_no_request_fails_when_a_server_ends_under_load(pair, flights, wait_until):
    """Every caller of a server that ends is answered there or goes elsewhere; none fails."""
    first, second = (server.config["port"] for server in pair)
    stop = threading.Event()
    body = json.dumps(flights(("UA", 8, 0.25)))
    callers = [RequestContext(pair, body, stop) for _ in range(6)]
    threads = [threading.Thread(target=caller.run) for caller in callers]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: all(each.answered.get(first, 0) > 20 for each in callers), "load")
        assert pair[0].stop() == 0
        wait_until(lambda: all(each.answered.get(second, 0) > 20 for each in callers), "load")
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert [failure for caller in callers for failure in caller.failures] == []
    assert pair[0].events("server_draining")
    # Each worker came to its own end: none was killed.
    assert len(pair[0].events("worker_stopped")) == 2


def test_during_the_notice_callers_are_answered_and_sent_away(
    launch, platform, make_delays, flights, wait_until
):
    """Until its port closes a server answers old and new connections, not ready, with `close`."""
    platform.release("1", make_delays(0))
    server = launch(platform.address, notice_seconds=60)
    wait_until(lambda: server.answers("/v2/health/ready"), "a model")
    body = json.dumps(flights(("UA", 8, 0.25)))
    kept = http.client.HTTPConnection("127.0.0.1", server.config["port"], timeout=30)
    kept.request("GET", "/v2/health/live")
    assert kept.getresponse().read() == b'{"live":true}'
    server.process.terminate()
    wait_until(lambda: server.answers("/v2/health/ready", 503), "the notice")
    fresh = http.client.HTTPConnection("127.0.0.1", server.config["port"], timeout=30)
    for connection in (kept, fresh):
        connection.request("POST", INFER, body)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        connection.close()
    answer = http.client.HTTPConnection("127.0.0.1", server.config["port"], timeout=30)
    answer.request("GET", "/v2/health/ready")
    reason = json.loads(answer.getresponse().read())
    answer.close()
    assert reason == {"ready": False, "error": "the server is about to end"}
    assert server.answers("/v2/health/live")
    # Who cannot wait ends it by a second signal.
    server.process.terminate()
    assert server.process.wait(30) == 0


def test_an_idle_connection_does_not_hold_the_end_up(launch):
    """Connections with no request on them are closed at once, and the server ends with 0."""
    server = launch(NOWHERE)
    with socket.create_connection(("127.0.0.1", server.config["port"]), timeout=30) as idle:
        idle.sendall(b"GET /v2/health/live HTTP/1.1\r\nhost: a\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert server.stop() == 0
        assert idle.recv(4096) == b""
    assert len(server.events("worker_stopped")) == 1
