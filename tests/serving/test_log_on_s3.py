"""The prediction log on a real S3 store, which goes away and comes back."""

import contextlib
import os
import secrets
import socket
import subprocess

import httpx
import polars as pl
import pytest
from prometheus_client import CollectorRegistry

from infra.home import Home
from serving.agent.delivery.metrics import LogMetrics
from serving.agent.delivery.shipper import Shipper
from serving.config import PredictionLog
from serving.prediction_log.journal import Journal
from serving.prediction_log.records import Label, Prediction, encode

CAPACITY = 1 << 24
URL = "s3://lake/predictions-of-a-test"


class Store:
    """versitygw over a folder with the bucket `lake`, as the platform runs it."""

    def __init__(self, program, folder, wait_until):
        self.program, self.wait_until = program, wait_until
        self.data, self.log = folder / "data", folder / "store.log"
        (self.data / "lake").mkdir(parents=True)
        self.key, self.secret = secrets.token_hex(10), secrets.token_hex(20)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def environment(self):
        """What a process of the platform has, to use it."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
        }

    def healthy(self):
        """Whether it answers."""
        with contextlib.suppress(httpx.TransportError):
            url = f"http://127.0.0.1:{self.port}/health"
            return httpx.get(url, trust_env=False).is_success
        return False

    @contextlib.contextmanager
    def running(self):
        """Up, for a while."""
        keys = {"ROOT_ACCESS_KEY": self.key, "ROOT_SECRET_KEY": self.secret}
        address = f"127.0.0.1:{self.port}"
        argv = [self.program, "--port", address, "--health", "/health", "posix", self.data]
        with self.log.open("ab") as log:
            process = subprocess.Popen(argv, env=os.environ | keys, stdout=log, stderr=log)
        try:
            self.wait_until(self.healthy, "the store")
            yield
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def store(tmp_path, monkeypatch, wait_until):
    """A store that is not up yet; its keys are in the environment."""
    program = Home.of_environment().tools / "bin" / "versitygw"
    if not program.exists():
        pytest.skip("versitygw is not here: `make tools` brings it")
    made = Store(program, tmp_path, wait_until)
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    return made


def test_the_log_outlasts_its_store(tmp_path, store):
    """Down at first, up, away and back: each prediction and label is there once, in the end."""
    journal = Journal(tmp_path / "journal", CAPACITY, segment_bytes=300)
    shipper = Shipper(
        journal=tmp_path / "journal",
        log=PredictionLog(URL),
        metrics=LogMetrics(CollectorRegistry()),
    )
    column = {"x": [0.5]}

    def keep(name):
        record = Prediction(name, 5, "m", "1", "d", "champion", 0.1, 1, column, column)
        label = Label(name, 0, 1.0, 5)
        assert journal.append([encode(record), encode(label)])

    keep("a")
    assert not shipper.flush(last=True)
    with store.running():
        assert shipper.flush(last=True)
        keep("b")
        assert shipper.flush(last=True)
    keep("c")
    assert not shipper.flush(last=True)
    keep("d")
    with store.running():
        assert shipper.flush(last=True)
        for name in ("predictions", "feedback"):
            assert sorted(pl.read_delta(f"{URL}/{name}")["id"]) == [*"abcd"]
