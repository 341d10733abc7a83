"""A stack of the process target in a throw-away folder, ended whatever happens."""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.home import StackDir
from infra.targets.processes import supervisor
from infra.targets.processes.process import Spec


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[StackDir]:
    """A stack's folder; its supervisor and processes end with the test."""
    made = StackDir(tmp_path / "stack")
    made.path.mkdir()
    yield made
    supervisor.end(made)


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def make_spec(stack: StackDir, free_port: int) -> Callable[..., Spec]:
    """Specs of a small web server."""

    def make(**changed: object) -> Spec:
        server = [sys.executable, "-m", "http.server", str(free_port), "--bind", "127.0.0.1"]
        fields: dict = {
            "stack": str(stack.path),
            "name": "web",
            "argv": server,
            "environment": {"GREETING": 'a "quoted" 100% text'},
            "files": {"web.conf": "one\n"},
            "folders": ["inner"],
            "version": "1",
            "address": f"127.0.0.1:{free_port}",
            "health_path": "/",
            "health_seconds": 20,
            "stop_seconds": 5,
            "log_megabytes": 1,
            "log_files": 2,
            "ports": {"http": free_port},
        }
        return Spec(**fields | changed)

    return make
