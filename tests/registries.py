"""MLflow's model registry and an OCI registry, in memory, behind a transport of httpx."""

import hashlib
import json

import httpx

from components.package import signing
from components.registry_oci import Layer, Registry

MODEL = "flight-delays"
FILES = (
    Layer("model.onnx", "application/vnd.slipway.model.onnx", b"graph"),
    Layer("signature.json", "application/json", b"{}"),
)


class Registries:
    """Versions and aliases of one model, and the packages that they are of."""

    def __init__(self, prefix: str = "") -> None:
        """Hold nothing yet; `prefix` is what a carrier's paths begin with."""
        self.prefix = prefix
        self.versions: list[dict] = []
        self.aliases: dict[str, str] = {}
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}

    def client(self, _service: str = "", _url: object = None) -> httpx.Client:
        """A client of both."""
        transport = httpx.MockTransport(self._answer)
        return httpx.Client(base_url=f"http://registries{self.prefix}", transport=transport)

    def release(self, key: str | None, alias: str = "champion", files=FILES) -> str:
        """Make a version of these files, signed with a private key unless it is None."""
        signed = (*files, signing.sign(MODEL, files, key)) if key else files
        return self.register(signed, alias)

    def register(self, layers, alias: str = "champion") -> str:
        """Make a version of these very files."""
        with Registry("http://registries", self.client()) as registry:
            digest = registry.push(f"models/{MODEL}", tuple(layers), "newest")
        body = {"name": MODEL, "source": f"oci://models/{MODEL}@{digest}", "tags": []}
        tags = [{"key": "digest", "value": digest}, {"key": "roc_auc", "value": "0.7"}]
        made = self._create(body | {"run_id": "r", "description": "d", "tags": tags})
        self.aliases[alias] = made["version"]
        return made["version"]

    def files(self, version: str) -> dict[str, bytes]:
        """The files of a version, by name."""
        repository, _, digest = self.versions[int(version) - 1]["source"][6:].partition("@")
        with Registry("http://registries", self.client()) as registry:
            return {layer.name: layer.content for layer in registry.files(repository, digest)}

    def _create(self, body: dict) -> dict:
        self.versions.append(body | {"version": str(len(self.versions) + 1)})
        return self.versions[-1]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(self.prefix)
        if path.startswith("/v2/"):
            return self._oci(request, path)
        return self._mlflow(request, path.removeprefix("/api/2.0/mlflow/"))

    def _mlflow(self, request: httpx.Request, path: str) -> httpx.Response:
        body = json.loads(request.content or b"{}")
        found: dict | None = None
        if path == "model-versions/create":
            found = {"model_version": self._create(body)}
        elif path == "registered-models/alias":
            self.aliases[body["alias"]] = body["version"]
            found = {}
        elif path == "model-versions/search":
            found = {"model_versions": self.versions}
        elif path == "model-versions/get":
            [*named] = [v for v in self.versions if v["version"] == request.url.params["version"]]
            found = {"model_version": named[0]} if named else None
        elif self.versions:
            assert path == "registered-models/get", path
            aliases = [{"alias": a, "version": v} for a, v in self.aliases.items()]
            found = {"registered_model": {"name": MODEL, "aliases": aliases}}
        absent = {"error_code": "RESOURCE_DOES_NOT_EXIST"}
        return (
            httpx.Response(404, json=absent) if found is None else httpx.Response(200, json=found)
        )

    def _oci(self, request: httpx.Request, path: str) -> httpx.Response:
        if request.method == "POST":
            # As a carrier has it: its own address and path before ours.
            return httpx.Response(
                202, headers={"location": f"http://other{self.prefix}{path}1?s=x"}
            )
        kept = self.manifests if "/manifests/" in path else self.blobs
        key = path.rsplit("/", 1)[1]
        if request.method == "PUT":
            digest = f"sha256:{hashlib.sha256(request.content).hexdigest()}"
            assert kept is self.manifests or request.url.params["digest"] == digest
            kept.update({digest: request.content, key: request.content})
            return httpx.Response(201)
        return httpx.Response(200, content=kept[key]) if key in kept else httpx.Response(404)
