"""Real rows, and stand-ins over HTTP for the tracking server and the OCI registry."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from components.ingest import logic as ingest
from components.split import logic as split
from components.validate import logic as validate
from usecases.flight_delays import USECASE

PREFIX = "/api/2.0/mlflow/"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/"


@pytest.fixture(scope="session")
def ingested(tmp_path_factory):
    """February, landed in a lake in a folder."""
    return ingest.ingest(USECASE, str(tmp_path_factory.mktemp("lake")), "", "2")


@pytest.fixture(scope="session")
def observations(ingested):
    """February's flights, checked."""
    return validate.validate(USECASE, ingested["tables"])


@pytest.fixture(scope="session")
def parts(observations):
    """February, split by time."""
    return split.split(observations, USECASE.event_date)


@pytest.fixture(scope="session")
def trained(parts):
    """A small model of February."""
    from components.train import logic  # noqa: PLC0415 -- its import is for those who ask only

    return logic.train(USECASE, parts.train, parts.validation, 40, 7)


@pytest.fixture(scope="session")
def evaluation(parts, trained):
    """The small model's figures."""
    from components.evaluate import logic  # noqa: PLC0415 -- as above

    return logic.evaluate(USECASE, trained.model, parts.train, parts.test)


@dataclass
class FakeMlflow:
    """MLflow's REST API as far as steps use it, in memory."""

    root: str = "mlflow-artifacts:/"
    experiments: dict = field(default_factory=dict)
    kinds: dict = field(default_factory=dict)
    runs: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    models: dict = field(default_factory=dict)
    aliases: dict = field(default_factory=dict)

    def answer(self, method, path, query, body, _headers):
        """Answer one request with status, headers and body."""
        if path.startswith(ARTIFACTS):
            self.files[path.removeprefix(ARTIFACTS)] = body
            return 200, {}, b"{}"
        name = path.removeprefix(PREFIX).replace("/", "_").replace("-", "_")
        found = getattr(self, f"{method.lower()}_{name}")(
            SimpleNamespace(**(json.loads(body) if body else query))
        )
        status = 404 if "error_code" in found else 200
        return status, {}, json.dumps(found).encode()

    def get_experiments_get_by_name(self, asked):
        """Find an experiment."""
        if asked.experiment_name not in self.experiments:
            return {"error_code": "RESOURCE_DOES_NOT_EXIST"}
        number = self.experiments[asked.experiment_name]
        tags = [{"key": key, "value": value} for key, value in self.kinds.get(number, {}).items()]
        return {"experiment": {"experiment_id": number, "tags": tags}}

    def post_experiments_create(self, asked):
        """Make an experiment."""
        number = self.experiments[asked.name] = str(len(self.experiments) + 1)
        self.kinds[number] = {tag["key"]: tag["value"] for tag in getattr(asked, "tags", [])}
        return {"experiment_id": number}

    def post_experiments_set_experiment_tag(self, asked):
        """Tag an experiment."""
        self.kinds.setdefault(asked.experiment_id, {})[asked.key] = asked.value
        return {}

    def post_runs_create(self, asked):
        """Start a run."""
        run = f"run{len(self.runs)}"
        tags = {tag["key"]: tag["value"] for tag in asked.tags}
        self.runs[run] = {
            "name": asked.run_name,
            "experiment": asked.experiment_id,
            "status": "RUNNING",
            "tags": tags,
            "params": {},
            "metrics": {},
            "curves": {},
            "inputs": [],
        }
        return {"run": {"info": {"run_id": run}}}

    def post_runs_log_batch(self, asked):
        """Add to a run; a parameter has one value for good."""
        run = self.runs[asked.run_id]
        for kind in ("params", "metrics", "tags"):
            given = {item["key"]: item["value"] for item in getattr(asked, kind, [])}
            if kind == "params" and {**given, **run[kind]} != {**run[kind], **given}:
                return {"error_code": "INVALID_PARAMETER_VALUE", "message": "changed"}
            run[kind].update(given)
        for point in getattr(asked, "metrics", []):
            run["curves"].setdefault(point["key"], []).append((point["step"], point["value"]))
        return {}

    def post_runs_log_inputs(self, asked):
        """Add data sets to a run."""
        self.runs[asked.run_id]["inputs"] += asked.datasets
        return {}

    def post_runs_search(self, asked):
        """Find the running ones of an experiment."""
        assert asked.filter == "attributes.status = 'RUNNING'"
        return {
            "runs": [
                {
                    "info": {"run_id": name},
                    "data": {
                        "tags": [{"key": key, "value": run["tags"][key]} for key in run["tags"]]
                    },
                }
                for name, run in self.runs.items()
                if run["status"] == "RUNNING" and run["experiment"] in asked.experiment_ids
            ]
        }

    def get_runs_get(self, asked):
        """Say where a run's artifacts are."""
        place = f"{self.root}1/{asked.run_id}/artifacts"
        return {"run": {"info": {"artifact_uri": place, "experiment_id": "1"}}}

    def post_runs_update(self, asked):
        """End a run."""
        self.runs[asked.run_id]["status"] = asked.status
        return {}

    def post_registered_models_create(self, asked):
        """Make a model, once."""
        if asked.name in self.models:
            return {"error_code": "RESOURCE_ALREADY_EXISTS"}
        self.models[asked.name] = []
        return {"registered_model": {"name": asked.name}}

    def get_model_versions_search(self, asked):
        """Find a run's versions."""
        run = asked.filter.split("'")[3]
        found = [v for versions in self.models.values() for v in versions if v["run_id"] == run]
        return {"model_versions": found} if found else {}

    def post_model_versions_create(self, asked):
        """Make a version."""
        versions = self.models[asked.name]
        versions.append({**vars(asked), "version": str(len(versions) + 1)})
        return {"model_version": versions[-1]}

    def get_registered_models_alias(self, asked):
        """Follow an alias."""
        version = self.aliases.get((asked.name, asked.alias))
        if version is None:
            return {
                "error_code": "INVALID_PARAMETER_VALUE",
                "message": f"Registered model alias {asked.alias} not found.",
            }
        return {"model_version": self.models[asked.name][int(version) - 1]}

    def post_registered_models_alias(self, asked):
        """Set an alias."""
        self.aliases[asked.name, asked.alias] = asked.version
        return {}


@dataclass
class FakeRegistry:
    """An OCI registry in memory, as far as pushing and pulling by digest goes."""

    blobs: dict = field(default_factory=dict)
    manifests: dict = field(default_factory=dict)
    uploads: int = 0

    def answer(self, method, path, query, body, headers):
        """Answer one request with status, headers and body."""
        if method == "POST":
            self.uploads += 1
            return 202, {"Location": f"{path}{self.uploads}?state=x"}, b""
        kept = self.manifests if "/manifests/" in path else self.blobs
        key = path.rsplit("/", 1)[1]
        if method == "PUT":
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
            assert kept is self.manifests or (query["digest"], query["state"]) == (digest, "x")
            kept.update({digest: body} if kept is self.blobs else {digest: body, key: body})
            return 201, {"Docker-Content-Digest": digest}, b""
        return (200, {}, kept[key]) if key in kept else (404, {}, b"not here")


@pytest.fixture
def serve():
    """A function that serves a stand-in on a free port and returns its address."""
    servers = []

    def start(fake):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self):
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, content = fake.answer(
                    self.command, parts.path, query, body, self.headers
                )
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else content)

            do_GET = do_PUT = do_POST = do_HEAD = _any  # noqa: N815 -- http.server finds them so

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def mlflow(serve, monkeypatch):
    """A stand-in for MLflow that steps find by their environment."""
    fake = FakeMlflow()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{serve(fake)}")
    return fake


@pytest.fixture
def oci(serve, monkeypatch):
    """A stand-in for the registry that steps find by their environment."""
    fake = FakeRegistry()
    monkeypatch.setenv("SLIPWAY_REGISTRY", serve(fake))
    return fake
