"""The prediction log of a real server: requests over HTTP, rows in Delta tables."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import polars as pl
import psutil
import pytest
from deltalake import DeltaTable

from serving.prediction_log import segments

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"
CALLERS = 4


def rows_of(server, name="predictions"):
    """The rows of a server's table; none while it is not there."""
    path = f"{server.config['log']['url']}/{name}"
    if not DeltaTable.is_deltatable(path):
        return pl.DataFrame({"id": [], "slot": []})
    return pl.read_delta(path)


def journal_of(server):
    """The server's journal."""
    return Path(server.config["cache_dir"]) / "journal"


def kill(server):
    """SIGKILL of the server, its workers and its agent."""
    for process in (psutil.Process(server.process.pid), *server.children()):
        process.kill()
    server.process.wait(30)


class Callers:
    """Callers without pause; what they were answered, by id, until the server is gone."""

    def __init__(self, server, flights):
        self.logged = []
        self._url = server.url + INFER
        self._flights = flights
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(CALLERS)
        self._calls = [self._pool.submit(self._call, who) for who in range(CALLERS)]

    def _call(self, who):
        number = 0
        with httpx.Client(trust_env=False) as client:
            while not self._stop.is_set():
                number += 1
                # Each has an id of its own, over all servers of a test.
                body = self._flights(("UA", 8, 0.25), id=f"{self._url}-{id(self)}-{who}-{number}")
                try:
                    answer = client.post(self._url, json=body)
                except httpx.TransportError:
                    return
                assert answer.status_code == 200
                if (answer.json().get("parameters") or {}).get("logged") is not False:
                    self.logged.append(answer.json()["id"])

    def end(self):
        """Stop calling; the ids of all answers that did not say they are not logged."""
        self._stop.set()
        for call in self._calls:
            call.result()
        self._pool.shutdown()
        return self.logged


@pytest.fixture
def start(launch, platform, make_delays, tmp_path, wait_until):
    """Start a server of version 1, always with one cache and one log, and wait for it."""
    platform.release("1", make_delays(0))

    def begin(**more):
        server = launch(
            platform.address,
            cache_dir=str(tmp_path / "cache"),
            log={"url": str(tmp_path / "lake"), "flush_seconds": 0.1} | more,
            workers=2,
        )
        wait_until(lambda: len(server.events("model_loaded")) >= 2, "version 1 everywhere")
        return server

    return begin


def test_what_was_answered_is_logged_though_everything_is_killed(start, flights, wait_until):
    """SIGKILL of server, workers and agent under load, twice: each answer is a row, once."""
    answered = []
    for _ in range(2):
        server = start()
        callers = Callers(server, flights)
        wait_until(lambda callers=callers: len(callers.logged) > 300, "some load")
        kill(server)
        answered += callers.end()
    assert segments.waiting(journal_of(server)) > 0
    server = start()
    assert server.stop() == 0
    ids = rows_of(server)["id"]
    assert ids.is_unique().all()
    assert set(answered) <= set(ids)
    # A request in hand at the kill may be logged and not answered.
    assert len(ids) <= len(answered) + 2 * CALLERS


def test_a_server_that_ends_leaves_nothing_in_its_journal(start, flights):
    """At SIGTERM what was answered a moment ago reaches the table before the process ends."""
    server = start(flush_seconds=60)
    for number in range(20):
        body = flights(("UA", 8, 0.25), ("B6", 9, None), id=f"{number}")
        assert httpx.post(server.url + INFER, json=body, trust_env=False).status_code == 200
    assert server.stop() == 0
    assert len(rows_of(server)) == 40
    assert segments.writers(journal_of(server)) == []


def test_a_row_says_what_was_asked_and_answered(start, platform, flights, wait_until):
    """Inputs, outputs, model and trace of one request, and the log's metrics."""
    server = start()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    body = flights(("UA", 8, None), id="a", parameters={"routing_key": "k"})
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    url = server.url + INFER
    assert httpx.post(url, json=body, headers=headers, trust_env=False).status_code == 200
    wait_until(lambda: len(rows_of(server)) == 1, "the row")
    row = rows_of(server).row(0, named=True)
    assert json.loads(row["inputs"]) == {"carrier": "UA", "hour": 8, "distance": None}
    assert json.loads(row["outputs"]) == {"probability": pytest.approx(0.58)}
    names = ("id", "row", "model", "version", "digest", "slot", "key", "trace")
    expected = ("a", 0, MODEL, "1", platform.versions["1"].split("@")[1], "champion", "k", trace)
    assert tuple(row[name] for name in names) == expected
    shipped = 'slipway_prediction_log_shipped_total{table="predictions"}'
    wait_until(lambda: server.metric(shipped) == 1, "the metric")
    assert server.metric("slipway_prediction_log_pending_bytes") is not None


def test_labels_survive_everything_being_killed(start, wait_until):
    """A label that was acknowledged once or thrice is one row after SIGKILL; the newest counts."""
    server = start(flush_seconds=60)
    for value in (False, True, True):
        for body in ({"id": "a", "value": value}, {"labels": [{"id": "b", "row": 1, "value": 2}]}):
            answer = httpx.post(f"{server.url}/v2/feedback", json=body, trust_env=False)
            assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
    bad = httpx.post(f"{server.url}/v2/feedback", json={"id": "a"}, trust_env=False)
    assert bad.status_code == 422
    kill(server)
    server = start()
    wait_until(lambda: len(rows_of(server, "feedback")) == 2, "the labels")
    rows = rows_of(server, "feedback").sort("id").select("id", "row", "value", "number").rows()
    assert rows == [("a", 0, "true", 1.0), ("b", 1, "2", 2.0)]


def test_the_shadow_scores_what_was_logged(start, platform, make_delays, flights, wait_until):
    """A version under the shadow's alias scores the same requests; callers never meet it."""
    platform.release("2", make_delays(1), alias="shadow")
    server = start()
    wait_until(lambda: any(e["slot"] == "shadow" for e in server.events("model_accepted")), "it")
    callers = Callers(server, flights)
    wait_until(lambda: len(callers.logged) > 20, "some load")
    ids = callers.end()
    assert server.stop() == 0
    rows = rows_of(server)
    answered, shadowed = rows.filter(slot="champion"), rows.filter(slot="shadow")
    assert set(answered["id"]) == set(ids)
    assert set(shadowed["version"]) <= {"2"}
    assert set(shadowed["id"]) <= set(ids)
    assert shadowed["id"].is_unique().all()


def test_shadow_rows_arrive_and_follow_the_alias(start, platform, make_delays, flights, wait_until):
    """While the server runs the shadow's rows come with the answers'; a new version takes over."""
    platform.release("2", make_delays(1), alias="shadow")
    server = start()

    def ask_until(version):
        body = flights(("UA", 8, 0.25))
        assert httpx.post(server.url + INFER, json=body, trust_env=False).status_code == 200
        rows = rows_of(server).filter(slot="shadow")
        return len(rows) and version in set(rows["version"])

    wait_until(lambda: ask_until("2"), "version 2 in the shadow")
    platform.release("3", make_delays(2), alias="shadow")
    wait_until(lambda: ask_until("3"), "version 3 in the shadow")
    name = f'slipway_shadow_difference_sum{{model="{MODEL}"}}'
    wait_until(lambda: (server.metric(name) or 0) >= 3 - 1e-6, "the differences")
