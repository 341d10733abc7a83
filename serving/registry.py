"""The artifact registry's side: a model's files by digest, over the OCI distribution API.

Owns parsing a source, pulling what the cache does not have, and verifying every byte against its
digest. Source: https://github.com/opencontainers/distribution-spec and `.../image-spec`.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import httpx
import msgspec
from msgspec import Struct, field

from serving import logs
from serving.cache import Cache, digest_of
from serving.errors import ModelRefusedError, Reason
from serving.model import FILES, OPTIONAL_FILES

_SOURCE = re.compile(r"oci://([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)@(sha256:[0-9a-f]{64})")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_MANIFEST_BYTES = 4 * 1024 * 1024
"""The least that the specification asks registries to take, and so the most that one may have."""
_TITLE = "org.opencontainers.image.title"


class Source(NamedTuple):
    """An artifact's repository and its manifest's digest."""

    repository: str
    digest: str


class _Layer(Struct, frozen=True):
    digest: str
    size: int
    annotations: dict[str, str] = field(default_factory=dict)


class _Manifest(Struct, frozen=True):
    layers: list[_Layer]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model's files by title, and the digests of all blobs that they were made of."""

    digest: str
    files: dict[str, bytes]
    blobs: tuple[str, ...]


def parse_source(source: str) -> Source:
    """Take `oci://<repository>@sha256:<digest>` apart.

    Raises:
        ModelRefusedError: it is not of that form.
    """
    match = _SOURCE.fullmatch(source)
    if match is None:
        raise ModelRefusedError(
            Reason.SOURCE,
            f"the version's source is {source!r}, not oci://<repository>@sha256:<digest>",
        )
    return Source(match[1], match[2])


class Registry:
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
                have a blob, a blob is not what its digest says, or a file is missing.
        """
        repository, digest = parse_source(source)
        data = self._blob(f"{repository}/manifests/{digest}", digest, _MANIFEST_BYTES)
        layers = _layers(data)
        files = {
            title: self._blob(f"{repository}/blobs/{layer.digest}", layer.digest, layer.size)
            for title, layer in layers.items()
        }
        blobs = (digest, *(layer.digest for layer in layers.values()))
        return Artifact(digest, files, blobs)

    def _blob(self, path: str, digest: str, most: int) -> bytes:
        cached = self._cache.get(digest)
        if cached is not None:
            return cached
        data = self._pull(path, most)
        if digest_of(data) != digest:
            raise ModelRefusedError(
                Reason.DIGEST, f"{path}: the registry's bytes have the digest {digest_of(data)}"
            )
        try:
            self._cache.put(digest, data)
        except OSError as error:  # a full disk must not keep a good model from serving
            logs.warning("cache_write_failed", digest=digest, error=error)
        return data

    def _pull(self, path: str, most: int) -> bytes:
        data = bytearray()
        try:
            with self._client.stream(
                "GET", f"{self._url}/{path}", headers={"accept": _MANIFEST_TYPE}
            ) as response:
                response.raise_for_status()
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > most:
                        raise ModelRefusedError(Reason.DIGEST, f"{path}: longer than {most} bytes")
        except httpx.HTTPError as error:
            raise ModelRefusedError(Reason.FETCH, f"{path}: {error}") from error
        return bytes(data)


def _layers(manifest: bytes) -> dict[str, _Layer]:
    """The layers that serving needs, and those of the others that are there, by title."""
    try:
        layers = msgspec.json.decode(manifest, type=_Manifest).layers
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelRefusedError(Reason.MANIFEST, f"the manifest: {error}") from error
    found = {layer.annotations.get(_TITLE): layer for layer in layers}
    missing = [title for title in FILES if title not in found]
    if missing:
        raise ModelRefusedError(Reason.MANIFEST, f"the manifest has no layer titled {missing}")
    wanted = {title: found[title] for title in (*FILES, *OPTIONAL_FILES) if title in found}
    if not all(_DIGEST.fullmatch(layer.digest) for layer in wanted.values()):
        raise ModelRefusedError(Reason.MANIFEST, "a layer's digest is not a sha256 digest")
    return wanted
