"""The server as a process: its start, its end, and what it does with bad luck."""

import json
import os
import signal
import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import httpx
import psutil
import pytest

from serving.config import DRAIN_SECONDS

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"
NOWHERE = "127.0.0.1:9"


def lives(process):
    """Whether a process runs; one that ended and was not waited for does not."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def seconds_between(one, other):
    """Seconds between two times of the log."""
    return (datetime.fromisoformat(other) - datetime.fromisoformat(one)).total_seconds()


def test_a_bad_configuration_is_one_line_and_exit_2(launch, tmp_path):
    """A configuration that cannot be used is one line on stderr, exit code 2."""
    server = launch(NOWHERE, live=False, wrokers=2)
    assert server.process.wait(30) == 2
    path = server.log.parent / "serving.json"
    expected = f"serving: {path}: Object contains unknown field `wrokers`\n"
    assert server.log.read_text() == expected


def test_a_taken_port_is_one_line_and_exit_1(launch):
    """A port that another program listens on is named, and nothing is started."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        server = launch(NOWHERE, live=False, port=port)
        assert server.process.wait(30) == 1
    expected = f"serving: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert server.log.read_text() == expected


def test_a_folder_that_cannot_be_written_is_one_line_and_exit_1(launch, tmp_path):
    """A cache folder that cannot be made is named with the reason."""
    file = tmp_path / "file"
    file.write_text("")
    server = launch(NOWHERE, live=False, cache_dir=str(file / "cache"))
    assert server.process.wait(30) == 1
    expected = f"serving: cache_dir {file}/cache cannot be written: Not a directory\n"
    assert server.log.read_text() == expected


def test_without_arguments_it_says_what_it_needs():
    """The configuration file is asked for by name."""
    argv = [sys.executable, "-m", "serving"]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "the following arguments are required: --config" in ended.stderr


def test_only_the_configured_address_is_bound(launch, wait_until):
    """Server, workers and agent listen on one address and port, and nowhere else."""
    server = launch(NOWHERE, workers=2)
    wait_until(server.agent, "the agent")
    processes = [psutil.Process(server.process.pid), *server.children()]
    listening = {
        tuple(connection.laddr)
        for process in processes
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", server.config["port"])}


def test_no_file_is_kept_but_its_own(launch, platform, make_delays, wait_until):
    """Server, workers and agent write to log and cache only; onnxruntime's telemetry is off."""
    platform.release("1", make_delays(0))
    server = launch(platform.address)
    wait_until(lambda: server.serves("1"), "version 1")
    processes = [psutil.Process(server.process.pid), *server.children()]
    opened = {Path(file.path) for process in processes for file in process.open_files()}
    assert {path for path in opened if not path.is_relative_to(server.log.parent)} == set()


def test_nothing_heavy_is_imported():
    """The server needs no MLflow, pandas or onnx, and its main process no onnxruntime."""
    script = (
        "import sys\n"
        "import serving.__main__\n"
        "main = {'numpy', 'onnxruntime', 'httpx'} & set(sys.modules)\n"
        "import serving.worker\n"
        "worker = {'mlflow', 'pandas', 'pyarrow', 'onnx'} & set(sys.modules)\n"
        "print(sorted(main), sorted(worker))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert ended.stdout == b"[] []\n"


def test_every_line_of_the_log_is_json(launch):
    """Granian's lines and ours are one JSON object each, with time, level and event."""
    server = launch(NOWHERE)
    server.stop()
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert all({"time", "level", "event", "pid"} <= line.keys() for line in lines)
    assert {"worker_started", "worker_stopped"} <= {line["event"] for line in lines}


def test_sigterm_at_the_start_ends_it_at_once(launch, wait_until):
    """A SIGTERM that comes while workers are starting is not lost on them."""
    server = launch(NOWHERE, live=False, workers=2)
    wait_until(lambda: len(server.events()) >= 4, "the workers' processes")
    assert server.stop() == 0
    # Granian says that it kills a worker also where it merely does not know yet that it ended.
    end = server.events("Shutting down granian")[0]["time"]
    kills = [event for event in server.events() if event["event"].startswith("Killing")]
    assert all(seconds_between(end, kill["time"]) < DRAIN_SECONDS for kill in kills)


def test_sigterm_at_the_very_fork_ends_a_worker():
    """A SIGTERM that is there before the child runs its first line is not swallowed."""
    script = (
        "import os, signal\n"
        "from serving.__main__ import guard_forks\n"
        "signal.signal(signal.SIGTERM, lambda *_: None)\n"
        "os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))\n"
        "guard_forks()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os._exit(0)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "print('alive')\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert ended.stdout.split() == [b"-15", b"alive"]


def test_sigterm_answers_what_is_in_flight(launch, platform, make_delays, flights, wait_until):
    """A request that has begun when SIGTERM comes is answered; then the server ends with 0."""
    platform.release("1", make_delays(0))
    server = launch(platform.address)
    wait_until(lambda: server.serves("1"), "version 1")
    body = json.dumps(flights(("UA", 8, 0.25))).encode()
    head = f"POST {INFER} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.config["port"])) as caller:
        caller.sendall(head + body[:10])
        # Another request on the same worker and loop: its answer shows that the first was read.
        assert server.answers("/v2/health/live")
        server.process.terminate()
        wait_until(lambda: not server.answers("/v2/health/live"), "no new connections")
        caller.sendall(body[10:])
        assert caller.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
    assert server.process.wait(30) == 0


def test_no_worker_outlives_a_killed_server(launch, wait_until):
    """SIGKILL of the main process ends its workers, and the port is free for the next."""
    server = launch(NOWHERE, workers=2)
    workers = server.workers()
    server.process.kill()
    server.process.wait(30)
    again = launch(NOWHERE, live=False, port=server.config["port"])
    wait_until(lambda: not any(map(lives, workers)), "the workers' end")
    wait_until(lambda: again.answers("/v2/health/live"), "the next server")
    assert again.process.poll() is None


def test_a_killed_worker_is_replaced(launch, platform, make_delays, wait_until):
    """A worker that dies is started anew, finds the model, and the metrics stay right."""
    platform.release("1", make_delays(0))
    server = launch(platform.address, workers=2)
    wait_until(lambda: len(server.events("model_loaded")) == 2, "version 1 everywhere")
    victim = server.workers()[0].pid
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(server.events("model_loaded")) == 3, "the new worker's model")
    wait_until(lambda: server.serves("1"), "version 1")
    assert victim not in {worker.pid for worker in server.workers()}
    assert server.metric(f'slipway_model_ready{{model="{MODEL}"}}') == 1.0


def test_metrics_are_right_over_all_workers(launch, platform, make_delays, flights, wait_until):
    """Whichever worker is asked, counts are those of all workers, and one version is shown."""
    platform.release("1", make_delays(1))
    server = launch(platform.address, workers=2)
    wait_until(lambda: len(server.events("model_loaded")) == 2, "version 1 everywhere")
    digest = platform.release("2", make_delays(2))
    wait_until(lambda: len(server.events("model_loaded")) == 4, "version 2 everywhere")
    for _ in range(40):
        # Each a connection of its own, so that the kernel spreads them over the workers.
        answer = httpx.post(server.url + INFER, json=flights(("UA", 8, 0.25)), trust_env=False)
        assert answer.status_code == 200
    folder = Path(server.config["cache_dir"]) / "metrics"
    writers = {int(path.stem.rsplit("_", 1)[1]) for path in folder.glob("counter_*.db")}
    assert writers == {child.pid for child in server.children()}
    labels = f'code="200",model="{MODEL}",slot="champion"'
    requests = f"slipway_inference_requests_total{{{labels}}}"
    wait_until(lambda: server.metric(requests) == 40, "the counts of both workers")
    for _ in range(10):
        text = httpx.get(f"{server.url}/metrics", trust_env=False).text
        assert f"{requests} 40.0\n" in text
        assert [line for line in text.splitlines() if line.startswith("slipway_model_info{")] == [
            f'slipway_model_info{{digest="{digest}",model="{MODEL}",slot="champion",'
            'version="2"} 1.0'
        ]


@pytest.mark.parametrize("workers", [1, 2])
def test_not_ready_is_a_metric(launch, workers):
    """Without a model the ready gauge is 0, so that an alert can see it."""
    server = launch(NOWHERE, workers=workers)
    assert server.metric(f'slipway_model_ready{{model="{MODEL}"}}') == 0.0
