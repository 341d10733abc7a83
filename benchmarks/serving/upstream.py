"""What Slipway's server asks, answered from memory: MLflow's aliases and an OCI registry.

It answers a look a second and one download, on loopback; it is not in a request's way.
"""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from contracts import mlflow_api
from contracts.model_package import MANIFEST_TYPE, TITLE, Source, repository
from contracts.slots import CHAMPION

if TYPE_CHECKING:
    from benchmarks.serving.models import Model

_MLFLOW = f"{mlflow_api.API}/"
_VERSION = "1"


class Upstream:
    """MLflow and a registry on one port of loopback, with every model as its champion."""

    def __init__(self, models: list[Model]) -> None:
        self._blobs: dict[str, bytes] = {}
        self._sources = {model.name: self._publish(model) for model in models}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """`host:port` of both."""
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _publish(self, model: Model) -> str:
        layers = [
            {
                "digest": self._store(data),
                "size": len(data),
                "mediaType": "application/octet-stream",
                "annotations": {TITLE: title},
            }
            for title, data in model.files.items()
        ]
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "layers": layers,
        }
        digest = self._store(json.dumps(manifest).encode())
        return str(Source(repository(model.name), digest))

    def _store(self, data: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self._blobs[digest] = data
        return digest

    def answer(self, target: str) -> tuple[int, bytes]:
        """Status and body of a GET."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path.startswith(_MLFLOW):
            return self._tracked(path.removeprefix(_MLFLOW), query["name"][0], query)
        blob = self._blobs.get(path.rpartition("/")[2])
        return (404, b"{}") if blob is None else (200, blob)

    def _tracked(self, what: str, name: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        version = {"name": name, "version": _VERSION, "source": self._sources[name]}
        model = {"name": name, "aliases": [{"alias": CHAMPION, "version": _VERSION}], "tags": []}
        known: dict[str, dict[str, Any]] = {
            "registered-models/alias": {"model_version": version},
            "registered-models/get": {"registered_model": model},
            "model-versions/get": {"model_version": version},
        }
        if what not in known or query.get("alias", [CHAMPION]) != [CHAMPION]:
            return 404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST"}).encode()
        return 200, json.dumps(known[what]).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # http.server asks for the name
                status, body = upstream.answer(self.path)
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
