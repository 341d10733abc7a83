"""A model's package: its files, and the OCI artifact that they are the layers of.

Owns names and media types. What is in each file is its writer's to say (`components/package`).
Sources: OCI Image Specification 1.1 ("Guidelines for Artifact Usage"), OpenSSF Model Signing.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

GRAPH: Final = "model.onnx"
SIGNATURE: Final = "signature.json"
REFERENCE: Final = "reference.json"
BACKGROUND: Final = "background.json"
CARD: Final = "model_card.md"
MODEL_SIGNATURE: Final = "model.sig"

ARTIFACT_TYPE: Final = "application/vnd.slipway.model.v1"
GRAPH_TYPE: Final = "application/vnd.slipway.model.onnx"
SIGSTORE_BUNDLE_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
EMPTY_TYPE: Final = "application/vnd.oci.empty.v1+json"
TITLE: Final = "org.opencontainers.image.title"
"""The annotation of a layer that is its file's name."""

_SOURCE: Final = re.compile(r"oci://([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)@(sha256:[0-9a-f]{64})")


class Source(NamedTuple):
    """Where a version's artifact is: its repository, and its manifest's digest."""

    repository: str
    digest: str

    def __str__(self) -> str:
        """The form that MLflow's registry keeps: `oci://REPOSITORY@sha256:DIGEST`."""
        return f"oci://{self.repository}@{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Source:
        """Read that form.

        Raises:
            ValueError: the text is not of it.
        """
        match = _SOURCE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not oci://<repository>@sha256:<digest>")
        return cls(match[1], match[2])


def repository(model: str) -> str:
    """The repository of all versions of a model."""
    return f"models/{model}"
