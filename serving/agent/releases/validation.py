"""What a release goes through before any worker sees it.

Owns the order: fetch by digest, verify the signature, load, hold the signature against the graph,
warm up. The model is dropped again; workers make their own from the same bytes.
"""

from serving.agent.releases.oci import Registry
from serving.agent.releases.signatures import Trust
from serving.models.model import load
from serving.models.warmup import warm_up
from serving.rollout.state import Placed, Release


class Trial:
    """Tries releases of one model."""

    def __init__(self, name: str, registry: Registry, trust: Trust) -> None:
        """Try releases of the model `name`, fetched from `registry` and held against `trust`."""
        self._name = name
        self._registry = registry
        self._trust = trust

    def passes(self, release: Release) -> Placed:
        """The release as workers may serve it; all its files are in the cache.

        Raises:
            ModelRefusedError: it failed a step.
        """
        artifact = self._registry.artifact(release.source)
        key = self._trust.check(artifact.files)
        warm_up(load(self._name, release.version, artifact.digest, artifact.files))
        return Placed(release, artifact.digest, artifact.digests, key)

    def repair(self, placed: Placed) -> None:
        """Fetch what the cache has lost of a release that passed.

        Raises:
            ModelRefusedError: it cannot be fetched.
        """
        self._registry.artifact(placed.release.source)
