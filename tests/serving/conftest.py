"""Stand-ins for what the server talks to, and the server itself as a process.

The stand-ins speak real HTTP on loopback; the end-to-end tests use the real MLflow and registry.
"""

import hashlib
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import onnx
import psutil
import pytest
from onnx import TensorProto, helper

MODEL = "flight-delays"
REPOSITORY = f"models/{MODEL}"
DEADLINE = 30.0
CALLERS = 4


def digest_of(data):
    """The OCI digest of some bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def serialize(nodes, inputs, outputs):
    """A graph's bytes; inputs and outputs are (name, ONNX type, shape)."""
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(*spec) for spec in inputs],
        [helper.make_tensor_value_info(*spec) for spec in outputs],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def spec(name, datatype, shape):
    """One tensor of a signature."""
    return {"name": name, "datatype": datatype, "shape": shape}


@dataclass
class Files:
    """A model's artifact before it is published."""

    graph: bytes
    signature: dict
    more: dict = field(default_factory=dict)

    def titled(self):
        """The layers' bytes by title."""
        return {
            "model.onnx": self.graph,
            "signature.json": json.dumps(self.signature).encode(),
            "model_card.md": b"# A model of the tests\n",
            **{title: json.dumps(content).encode() for title, content in self.more.items()},
        }


def delays(bias):
    """The small model: 0.5 for carrier UA, + hour / 100 + distance + `bias`; NaN counts as 0."""
    column = ["N", 1]
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["carrier"],
            ["known"],
            domain="ai.onnx.ml",
            keys_strings=["UA"],
            values_floats=[0.5],
            default_float=0.0,
        ),
        helper.make_node("Cast", ["hour"], ["hours"], to=TensorProto.FLOAT),
        helper.make_node("Constant", [], ["hundredth"], value_float=0.01),
        helper.make_node("Constant", [], ["bias"], value_float=float(bias)),
        helper.make_node("Constant", [], ["zero"], value_float=0.0),
        helper.make_node("Mul", ["hours", "hundredth"], ["by_hour"]),
        helper.make_node("IsNaN", ["distance"], ["missing"]),
        helper.make_node("Where", ["missing", "zero", "distance"], ["far"]),
        helper.make_node("Sum", ["known", "by_hour", "far", "bias"], ["probability"]),
    ]
    graph = serialize(
        nodes,
        [
            ("carrier", TensorProto.STRING, column),
            ("hour", TensorProto.INT64, column),
            ("distance", TensorProto.FLOAT, column),
        ],
        [("probability", TensorProto.FLOAT, column)],
    )
    signature = {
        "name": MODEL,
        "inputs": [
            spec("carrier", "BYTES", [-1, 1]),
            spec("hour", "INT64", [-1, 1]),
            spec("distance", "FP32", [-1, 1]),
        ],
        "outputs": [spec("probability", "FP32", [-1, 1])],
        "example": {"carrier": "UA", "hour": 8, "distance": 0.25},
    }
    return Files(graph, signature)


TYPES = {
    "BOOL": (TensorProto.BOOL, [True, False]),
    "INT8": (TensorProto.INT8, [-128, 127]),
    "INT16": (TensorProto.INT16, [-(2**15), 2**15 - 1]),
    "INT32": (TensorProto.INT32, [-(2**31), 2**31 - 1]),
    "INT64": (TensorProto.INT64, [-(2**63), 2**63 - 1]),
    "UINT8": (TensorProto.UINT8, [0, 2**8 - 1]),
    "UINT16": (TensorProto.UINT16, [0, 2**16 - 1]),
    "UINT32": (TensorProto.UINT32, [0, 2**32 - 1]),
    "UINT64": (TensorProto.UINT64, [0, 2**64 - 1]),
    "FP16": (TensorProto.FLOAT16, [0.5, -65504.0]),
    "FP32": (TensorProto.FLOAT, [0.25, float(np.finfo(np.float32).max)]),
    "FP64": (TensorProto.DOUBLE, [0.1, 1e300]),
    "BYTES": (TensorProto.STRING, ["", "Zürich ✈"]),
}


def mirror():
    """A model with one input and one equal output of each datatype, rows of two elements."""
    row = ["N", 2]
    graph = serialize(
        [helper.make_node("Identity", [f"in_{name}"], [f"out_{name}"]) for name in TYPES],
        [(f"in_{name}", onnx_type, row) for name, (onnx_type, _) in TYPES.items()],
        [(f"out_{name}", onnx_type, row) for name, (onnx_type, _) in TYPES.items()],
    )
    signature = {
        "inputs": [spec(f"in_{name}", name, [-1, 2]) for name in TYPES],
        "outputs": [spec(f"out_{name}", name, [-1, 2]) for name in TYPES],
        "example": {f"in_{name}": values for name, (_, values) in TYPES.items()},
    }
    return Files(graph, signature)


@dataclass
class Platform:
    """MLflow's endpoints for one model and an OCI registry on one loopback port."""

    blobs: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    aliases: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)
    created: int = 1
    asked: list = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    @property
    def address(self):
        """`host:port` of both services."""
        return f"127.0.0.1:{self.server.server_port}"

    def publish(self, version, files):
        """Push an artifact and register it; its digest."""
        layers = []
        for title, data in files.titled().items():
            self.blobs[digest_of(data)] = data
            annotations = {"org.opencontainers.image.title": title}
            layers.append(
                {"digest": digest_of(data), "size": len(data), "annotations": annotations}
            )
        manifest = json.dumps({"schemaVersion": 2, "layers": layers}).encode()
        self.blobs[digest_of(manifest)] = manifest
        self.versions[version] = f"oci://{REPOSITORY}@{digest_of(manifest)}"
        return digest_of(manifest)

    def promote(self, version, alias="champion"):
        """Move an alias; without a version it is removed."""
        if version:
            self.aliases[alias] = version
        else:
            self.aliases.pop(alias, None)

    def set_weight(self, weight):
        """Set the challenger's share of the keys."""
        self.tags["slipway.challenger_weight"] = str(weight)

    def release(self, version, files, alias="champion"):
        """Publish and promote; the digest."""
        digest = self.publish(version, files)
        self.promote(version, alias)
        return digest

    def registered(self):
        """Status and body of MLflow's answer about the model."""
        if not self.versions:
            return 404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST"}).encode()
        model = {
            "name": MODEL,
            "creation_timestamp": self.created,
            "aliases": [{"alias": a, "version": v} for a, v in list(self.aliases.items())],
            "tags": [{"key": key, "value": value} for key, value in list(self.tags.items())],
        }
        return 200, json.dumps({"registered_model": model}).encode()

    def answer(self, path):
        """Status and body of a GET."""
        self.asked.append(path)
        url = urlsplit(path)
        if url.path == "/api/2.0/mlflow/registered-models/get":
            return self.registered()
        if url.path == "/api/2.0/mlflow/model-versions/get":
            version = parse_qs(url.query)["version"][0]
            found = {"version": version, "source": self.versions[version]}
            return 200, json.dumps({"model_version": found}).encode()
        blob = self.blobs.get(path.rsplit("/", 1)[-1]) if path.startswith("/v2/") else None
        return (404, b"{}") if blob is None else (200, blob)

    def start(self, port=0):
        """Answer on loopback from a thread."""
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = platform.answer(self.path)
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        """Go down: connections are refused from now on."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()


def until(condition, what="the condition"):
    """Wait for a condition to be true and return its value; fail with `what` at the deadline."""
    deadline = time.monotonic() + DEADLINE
    pause = threading.Event()
    while time.monotonic() < deadline:
        if value := condition():
            return value
        pause.wait(0.01)
    pytest.fail(f"{what} did not come true in {DEADLINE:.0f} s")


@dataclass
class Server:
    """A model server as a process of its own."""

    process: subprocess.Popen
    url: str
    log: Path
    config: dict

    def events(self, name=None):
        """The log's events, all or those of one name."""
        events = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [event for event in events if name in (None, event["event"])]

    def answers(self, path, status=200):
        """Whether a GET has the status now."""
        try:
            return httpx.get(self.url + path, trust_env=False).status_code == status
        except httpx.TransportError:
            return False

    def serves(self, version):
        """Whether requests are answered by the version."""
        return self.answers(f"/v2/models/{MODEL}/versions/{version}/ready")

    def metric(self, line):
        """The value of one series, or None."""
        for text in httpx.get(f"{self.url}/metrics", trust_env=False).text.splitlines():
            name, _, value = text.rpartition(" ")
            if name == line:
                return float(value)
        return None

    def children(self):
        """The processes beside the main one that run now: workers and the agent."""
        return psutil.Process(self.process.pid).children()

    def workers(self):
        """The worker processes that run now."""
        return [child for child in self.children() if not is_agent(child)]

    def agent(self):
        """The agent's process, or None while there is none."""
        return next(filter(is_agent, self.children()), None)

    def stop(self):
        """End by SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(DEADLINE)


class Load:
    """Callers that ask without pause until told to stop, and keep what they were answered."""

    def __init__(self, url, request):
        self.answers = []
        self.failures = []
        self._url = url
        self._request = request
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(CALLERS)

    def __enter__(self):
        self._calls = [self._pool.submit(self._call) for _ in range(CALLERS)]
        return self

    def __exit__(self, *_):
        self._stop.set()
        for call in self._calls:
            call.result()
        self._pool.shutdown()

    def _call(self):
        with httpx.Client(trust_env=False, timeout=30) as client:
            while not self._stop.is_set():
                response = client.post(self._url, json=self._request)
                if response.status_code != 200:
                    self.failures.append((response.status_code, response.text))
                    continue
                body = response.json()
                self.answers.append((body["model_version"], body["outputs"][0]["data"][0]))

    def latest(self):
        """The versions of the answers to the next requests."""
        begin = len(self.answers)
        until(lambda: len(self.answers) >= begin + 10 * CALLERS + CALLERS, "more answers")
        return {version for version, _ in self.answers[begin + CALLERS :]}

    def versions(self):
        """The versions that have answered so far."""
        return {version for version, _ in self.answers}


def is_agent(process):
    """Whether a process is a server's agent; one that has just ended is none."""
    try:
        return "serving.agent" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def launch(tmp_path_factory):
    """Start servers; they end with the module."""
    servers = []

    def start(address, *, live=True, **settings):
        folder = tmp_path_factory.mktemp("serving")
        config = {
            "host": "127.0.0.1",
            "port": free_port(),
            "tracking_url": f"http://{address}",
            "registry": address,
            "model": MODEL,
            "cache_dir": str(folder / "cache"),
            "poll_seconds": 0.1,
        } | settings
        path = folder / "serving.json"
        path.write_text(json.dumps(config))
        log = folder / "serving.log"
        argv = [sys.executable, "-m", "serving", "--config", str(path)]
        with log.open("wb") as file:
            process = subprocess.Popen(argv, stdout=file, stderr=subprocess.STDOUT)
        server = Server(process, f"http://127.0.0.1:{config['port']}", log, config)
        servers.append(server)
        if live:
            until(lambda: server.answers("/v2/health/live"), f"live of {log.read_text()!r}")
        return server

    yield start
    for server in servers:
        server.process.terminate()
    for server in servers:
        server.process.wait(DEADLINE)


@pytest.fixture(scope="module")
def make_platform():
    """Start stand-ins for MLflow and the registry; they end with the module."""
    platforms = []

    def start():
        platform = Platform()
        platform.start()
        platforms.append(platform)
        return platform

    yield start
    for platform in platforms:
        platform.stop()


@pytest.fixture
def platform(make_platform):
    """A stand-in for MLflow and the registry, for one test."""
    return make_platform()


@pytest.fixture(scope="session")
def wait_until():
    """Wait for conditions instead of sleeping."""
    return until


@pytest.fixture(scope="session")
def make_delays():
    """The small model by its bias; see `delays`."""
    return delays


@pytest.fixture(scope="session")
def make_graph():
    """A graph's bytes from its nodes, inputs and outputs; see `serialize`."""
    return serialize


@pytest.fixture(scope="session")
def mirror_files():
    """The model of all datatypes; see `mirror`."""
    return mirror()


@pytest.fixture(scope="session")
def samples():
    """Two values of each datatype."""
    return {name: values for name, (_, values) in TYPES.items()}


@pytest.fixture(scope="session")
def flights():
    """Infer requests for the small model: one row per given (carrier, hour, distance)."""

    def make(*rows, **more):
        names = (("carrier", "BYTES"), ("hour", "INT64"), ("distance", "FP32"))
        return {
            "inputs": [
                {
                    "name": name,
                    "datatype": datatype,
                    "shape": [len(rows), 1],
                    "data": [row[column] for row in rows],
                }
                for column, (name, datatype) in enumerate(names)
            ]
        } | more

    return make


@pytest.fixture
def logged(caplog, monkeypatch):
    """The names of the events logged so far."""
    monkeypatch.setattr(logging.getLogger("slipway.serving"), "propagate", True)
    caplog.set_level(logging.INFO, "slipway.serving")
    return lambda: [
        record.getMessage() for record in caplog.records if record.name == "slipway.serving"
    ]


@pytest.fixture(scope="session")
def events():
    """The names of the events that were logged in this process; it takes `caplog`."""
    logging.getLogger("slipway.serving").setLevel("INFO")
    return lambda caplog: [
        record.message for record in caplog.records if record.name == "slipway.serving"
    ]


@pytest.fixture(scope="session")
def load():
    """Callers that ask without pause while a body runs; see `Load`."""
    return Load


@pytest.fixture(scope="module")
def serve(launch, make_platform):
    """Start servers for both transports, each with a model in service as version 1."""

    def start(files, **settings):
        platform = make_platform()
        platform.release("1", files)
        server = launch(platform.address, grpc_port=free_port(), **settings)
        until(lambda: server.serves("1"), "version 1")
        return server

    return start
