"""The exporter tells of a service as if the service itself were asked."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.home import StackDir
from infra.targets.processes import exporter, supervisor
from infra.targets.processes.supervisor import Supervised

PARENT = (
    "import subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
    "print(child.pid, flush=True)\n"
    "input()\n"
)


@pytest.fixture
def tree() -> Iterator[tuple[psutil.Process, psutil.Process]]:
    """A process and one that it started; both end with the test."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=pipe, stdout=pipe) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        yield psutil.Process(parent.pid), child
        child.kill()
        parent.kill()


def told(body: bytes) -> dict[str, float]:
    """The metrics of an answer, by name."""
    families = text_string_to_metric_families(body.decode())
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_a_service_is_all_of_its_processes(tree) -> None:
    """What they hold is summed; when it began is the first one's own."""
    parent, child = tree
    alone = told(exporter.of_process(child))

    found = told(exporter.of_process(parent))

    held = sum(process.memory_info().rss for process in tree)
    assert found["process_resident_memory_bytes"] == pytest.approx(held, rel=0.1)
    assert found["process_resident_memory_bytes"] > alone["process_resident_memory_bytes"]
    assert found["process_start_time_seconds"] == parent.create_time()
    assert found["process_open_fds"] > alone["process_open_fds"]
    assert found["process_cpu_seconds_total"] >= alone["process_cpu_seconds_total"]
    if sys.platform == "linux":
        assert found["process_max_fds"] > found["process_open_fds"]


@pytest.mark.parametrize(
    ("seen", "well", "status"),
    [
        (Supervised("RUNNING", os.getpid(), 1, ""), True, 200),
        (Supervised("RUNNING", os.getpid(), 1, ""), False, 503),
        (Supervised("BACKOFF", 0, 0, ""), True, 503),
        (None, True, 503),
    ],
    ids=["well", "does not answer", "ended", "gone"],
)
def test_prometheus_sees_it_up_where_it_is_well(
    monkeypatch: pytest.MonkeyPatch, seen, *, well: bool, status: int
) -> None:
    """`up` is 1 after a 200 alone."""
    monkeypatch.setattr(supervisor, "state", lambda *_: seen)
    monkeypatch.setattr("infra.targets.processes.health.answers", lambda *_: well)
    watched = {"store": {"address": "127.0.0.1:1", "path": "/health"}}

    found, _ = exporter.answer("/services/store", StackDir(Path("/nowhere")), watched)

    assert found == status


def test_it_is_asked_over_http() -> None:
    """Its own metrics, and nothing of a service that it was not told of."""
    server = exporter.server("127.0.0.1:0", StackDir(Path("/nowhere")), {})
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        with httpx.Client(base_url=url, trust_env=False) as client:
            own = told(client.get("/metrics").content)
            other = client.get("/services/other")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

    assert other.status_code == 404
    assert sys.platform != "linux" or own["process_resident_memory_bytes"] > 0
