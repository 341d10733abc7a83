"""The artifact registry's side: a model's files by digest, over the OCI distribution API.

Owns parsing a source, pulling what the cache does not have, and verifying every byte against its
digest. Source: https://github.com/opencontainers/distribution-spec and `.../image-spec`.
"""

import re
from dataclasses import dataclass

import httpx
import msgspec
from msgspec import Struct, field

from contracts.model_package import MANIFEST_TYPE, TITLE, Source
from serving.errors import DECODE_ERRORS, ModelRefusedError, Reason
from serving.models.model import FILES
from serving.rollout.cache import Cache, digest_of

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MANIFEST_BYTES = 4 * 1024 * 1024
"""The bound that the specification has every registry accept."""
# Files are written to a folder under their titles, to be verified: a title must be a plain name.
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Layer(Struct, frozen=True):
    """One file of an artifact, as its manifest describes it."""

    digest: str
    size: int
    annotations: dict[str, str] = field(default_factory=dict)


class _Manifest(Struct, frozen=True):
    layers: list[Layer]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model's files.

    Attributes:
        digest: the manifest's.
        files: bytes by title.
        digests: the blobs' digests by title.
    """

    digest: str
    files: dict[str, bytes]
    digests: dict[str, str]


def parse_source(source: str) -> Source:
    """Take `oci://<repository>@sha256:<digest>` apart.

    Raises:
        ModelRefusedError: it is not of that form.
    """
    try:
        return Source.parse(source)
    except ValueError as error:
        raise ModelRefusedError(Reason.SOURCE, f"the version's source {error}") from error


class OciRegistry:
    """Pulls models from one OCI registry through the cache."""

    def __init__(self, client: httpx.Client, host: str, cache: Cache) -> None:
        """Pull from `host` (`name:port`, plain HTTP) through `client`; nothing is pulled yet."""
        self._client = client
        self._url = f"http://{host}/v2"
        self._cache = cache

    def artifact(self, source: str) -> Artifact:
        """The model's files, verified, from the cache where it has them.

        Raises:
            ModelRefusedError: the source is malformed, the registry cannot be reached or does not
                have a blob, a blob is not what its digest says, a file is missing, or the cache
                cannot take one: workers load from there.
        """
        repository, digest = parse_source(source)
        data = self._blob(f"{repository}/manifests/{digest}", digest, _MANIFEST_BYTES)
        layers = layers_of(data)
        files = {
            title: self._blob(f"{repository}/blobs/{layer.digest}", layer.digest, layer.size)
            for title, layer in layers.items()
        }
        return Artifact(digest, files, {title: layer.digest for title, layer in layers.items()})

    def _blob(self, path: str, digest: str, limit: int) -> bytes:
        cached = self._cache.get(digest)
        if cached is not None:
            return cached
        data = self._pull(path, limit)
        if digest_of(data) != digest:
            raise ModelRefusedError(
                Reason.DIGEST, f"{path}: the registry's bytes have the digest {digest_of(data)}"
            )
        try:
            self._cache.put(digest, data)
        except OSError as error:
            raise ModelRefusedError(Reason.CACHE, f"{path} cannot be kept: {error}") from error
        return data

    def _pull(self, path: str, limit: int) -> bytes:
        data = bytearray()
        try:
            with self._client.stream(
                "GET", f"{self._url}/{path}", headers={"accept": MANIFEST_TYPE}
            ) as response:
                response.raise_for_status()
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > limit:
                        raise ModelRefusedError(Reason.DIGEST, f"{path}: longer than {limit} bytes")
        except httpx.HTTPError as error:
            raise ModelRefusedError(Reason.FETCH, f"{path}: {error}") from error
        return bytes(data)


def layers_of(manifest: bytes) -> dict[str, Layer]:
    """The artifact's files, by title; layers without a plain name are left out.

    Raises:
        ModelRefusedError: the manifest is not that of a model.
    """
    try:
        layers = msgspec.json.decode(manifest, type=_Manifest).layers
    except DECODE_ERRORS as error:
        raise ModelRefusedError(Reason.MANIFEST, f"the manifest: {error}") from error
    titled = {layer.annotations.get(TITLE, ""): layer for layer in layers}
    files = {title: layer for title, layer in titled.items() if _FILE_NAME.fullmatch(title)}
    missing = [title for title in FILES if title not in files]
    if missing:
        raise ModelRefusedError(Reason.MANIFEST, f"the manifest has no layer titled {missing}")
    if not all(_DIGEST.fullmatch(layer.digest) for layer in files.values()):
        raise ModelRefusedError(Reason.MANIFEST, "a layer's digest is not a sha256 digest")
    return files
