"""Pushes and pulls a model as an OCI artifact, by digest.

Owns the calls of the OCI Distribution Specification 1.1 that this takes and the manifest's form
(OCI Image Specification 1.1, "Guidelines for Artifact Usage"). The same files always give the
same digest: nothing in a manifest depends on time or place.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import urljoin

import httpx

from contracts.model_package import ARTIFACT_TYPE, EMPTY_TYPE, MANIFEST_TYPE, TITLE
from contracts.variables import REGISTRY
from usecases.errors import StepError

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Layer:
    """One file of the artifact."""

    name: str
    media_type: str
    content: bytes


class Registry:
    """A connection to one OCI registry; use it as a context manager."""

    def __init__(self, address: str, client: httpx.Client | None = None) -> None:
        """Connect lazily to `host[:port]` or a URL.

        Without a scheme it is HTTPS, but plain HTTP on the loopback, as with Docker's clients. A
        `client` has a way of its own to it, such as a cluster's API server.
        """
        self._url = address if "://" in address else f"{_scheme(address)}://{address}"
        # The platform's own: no proxy, .netrc or authority of whoever runs a step is for it.
        self._http = client or httpx.Client(base_url=self._url, timeout=60, trust_env=False)
        self._carried = client is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def push(self, repository: str, layers: tuple[Layer, ...], tag: str) -> str:
        """Store the files and their manifest, and return the manifest's digest, read back."""
        config = Layer("", EMPTY_TYPE, b"{}")
        for layer in (config, *layers):
            self._push_blob(repository, layer.content)
        manifest = _manifest(config, layers)
        headers = {"Content-Type": MANIFEST_TYPE}
        self._call("PUT", f"/v2/{repository}/manifests/{tag}", content=manifest, headers=headers)
        digest = digest_of(manifest)
        self._manifest(repository, digest)
        return digest

    def pull(self, repository: str, digest: str, name: str) -> bytes:
        """Return one file of an artifact, checked against its digest.

        Raises:
            StepError: there is no such artifact or file, or its bytes are not what was pushed.
        """
        layers = self._layers(repository, digest)
        layer = next((x for x in layers if _title(x) == name), None)
        if layer is None:
            raise StepError(f"{repository}@{digest} has no file {name}", "release another version")
        return self._file(repository, digest, layer).content

    def files(self, repository: str, digest: str) -> tuple[Layer, ...]:
        """Return all files of an artifact, each checked against its digest.

        Raises:
            StepError: there is no such artifact, or its bytes are not what was pushed.
        """
        layers = self._layers(repository, digest)
        return tuple(self._file(repository, digest, layer) for layer in layers)

    def _layers(self, repository: str, digest: str) -> list[dict[str, Any]]:
        layers: list[dict[str, Any]] = json.loads(self._manifest(repository, digest))["layers"]
        return layers

    def _file(self, repository: str, digest: str, layer: dict[str, Any]) -> Layer:
        blob = self._call("GET", f"/v2/{repository}/blobs/{layer['digest']}").content
        what = f"{repository}@{digest} {_title(layer)}"
        return Layer(_title(layer), layer["mediaType"], _verified(blob, layer["digest"], what))

    def sizes(self, repository: str, digest: str) -> dict[str, int]:
        """Return the files of an artifact and how many bytes each has."""
        layers = json.loads(self._manifest(repository, digest))["layers"]
        return {layer["annotations"][TITLE]: int(layer["size"]) for layer in layers}

    def _manifest(self, repository: str, digest: str) -> bytes:
        path = f"/v2/{repository}/manifests/{digest}"
        found = self._call("GET", path, headers={"Accept": MANIFEST_TYPE}).content
        return _verified(found, digest, f"{repository}@{digest}")

    def _push_blob(self, repository: str, content: bytes) -> None:
        digest = digest_of(content)
        present = self._send("HEAD", f"/v2/{repository}/blobs/{digest}")
        if present.status_code == httpx.codes.OK:
            return
        session = self._call("POST", f"/v2/{repository}/blobs/uploads/")
        place = self._place(session.headers["Location"])
        self._call(
            "PUT",
            str(place.copy_merge_params({"digest": digest})),
            content=content,
            headers={"Content-Type": "application/octet-stream"},
        )

    def _place(self, location: str) -> httpx.URL:
        """Where an upload goes on; a client's own way may have put a path of its own before."""
        if self._carried:
            return httpx.URL(location[location.index("/v2/") :])
        return httpx.URL(urljoin(f"{self._url}/", location))

    def _call(self, method: str, path: str, **content: Any) -> httpx.Response:
        response = self._send(method, path, **content)
        if response.is_success:
            return response
        raise StepError(
            f"the registry at {self._url} answered {response.status_code} to {method} {path}:"
            f" {response.text[:200]}",
            "see the registry's log: `slipway logs registry`",
        )

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **content)
        except httpx.TransportError as error:
            raise StepError(
                f"the registry at {self._url} does not answer: {error}",
                f"see `slipway status`; {REGISTRY} says where it is looked for",
            ) from error


def digest_of(content: bytes) -> str:
    """Return `sha256:...` of the bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _title(layer: dict[str, Any]) -> str:
    return str(layer.get("annotations", {}).get(TITLE, ""))


def _scheme(address: str) -> str:
    return "http" if address.rsplit(":", 1)[0] in LOOPBACK or address in LOOPBACK else "https"


def _verified(content: bytes, digest: str, what: str) -> bytes:
    if digest_of(content) != digest:
        raise StepError(
            f"{what} is not what was pushed: its bytes are {digest_of(content)}",
            "the registry's storage is damaged: restore it, or release another version",
        )
    return content


def _manifest(config: Layer, layers: tuple[Layer, ...]) -> bytes:
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": ARTIFACT_TYPE,
        "config": _descriptor(config),
        "layers": [_descriptor(layer) | {"annotations": {TITLE: layer.name}} for layer in layers],
    }
    return json.dumps(manifest, separators=(",", ":"), sort_keys=True).encode()


def _descriptor(layer: Layer) -> dict[str, Any]:
    return {
        "mediaType": layer.media_type,
        "digest": digest_of(layer.content),
        "size": len(layer.content),
    }
