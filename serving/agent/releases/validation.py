"""The validation that a release passes before any worker sees it.

Owns its order (fetch by digest, verify the signature, load, compare the signature with the graph,
warm up) and that a release which fails is tried again with growing pauses. The validated model is
dropped again; workers make their own from the same bytes.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from serving import logs
from serving.agent.releases.oci import OciRegistry, parse_source
from serving.agent.releases.signatures import SignatureVerifier
from serving.errors import ModelRefusedError, Reason
from serving.metrics.models import RefusalMetrics
from serving.models.model import load
from serving.models.slots import Slot
from serving.models.warmup import warm_up
from serving.rollout import events
from serving.rollout.backoff import Backoff
from serving.rollout.state import PlacedRelease, Release


class ModelValidator:
    """Validates releases of one model."""

    def __init__(self, name: str, registry: OciRegistry, verifier: SignatureVerifier) -> None:
        """Validate the model `name`, fetched from `registry`, its signature by `verifier`."""
        self._name = name
        self._registry = registry
        self._verifier = verifier

    def validate(self, release: Release) -> PlacedRelease:
        """The release as workers may serve it; all its files are in the cache.

        Raises:
            ModelRefusedError: it failed a step.
        """
        artifact = self._registry.artifact(release.source)
        key = self._verifier.verify(artifact.files)
        warm_up(load(self._name, release.version, artifact.digest, artifact.files))
        return PlacedRelease(release, artifact.digest, artifact.digests, key)

    def repair(self, placed: PlacedRelease) -> None:
        """Fetch what the cache has lost of a validated release.

        Raises:
            ModelRefusedError: it cannot be fetched.
        """
        self._registry.artifact(placed.release.source)


class ReleaseTrial:
    """Validates the releases of all slots; each failure is counted, logged and backed off from."""

    def __init__(
        self, validator: ModelValidator, refusals: RefusalMetrics, first_pause: float
    ) -> None:
        """Leave a release that failed alone for `first_pause` seconds at first."""
        self._validator = validator
        self._refusals = refusals
        self._backoff: dict[Slot, Backoff[Release]] = {slot: Backoff(first_pause) for slot in Slot}

    def allows(self, slot: Slot, release: Release) -> bool:
        """Whether a release may be tried now."""
        return self._backoff[slot].allows(release)

    def validate(
        self, slot: Slot, release: Release, validated: Iterable[PlacedRelease]
    ) -> PlacedRelease:
        """The release as workers may serve it.

        Args:
            slot: its slot.
            release: the release.
            validated: releases in service; an artifact among them is not validated again.

        Raises:
            ModelRefusedError: it failed; whatever a model does, nothing else is raised.
        """
        with self._attempt(slot, release):
            digest = parse_source(release.source).digest
            for placed in validated:
                if placed.digest == digest:
                    return replace(placed, release=release)
            return self._validator.validate(release)

    def repair(self, slot: Slot, placed: PlacedRelease) -> None:
        """Fetch what the cache has lost of a validated release.

        Raises:
            ModelRefusedError: it cannot be fetched.
        """
        with self._attempt(slot, placed.release):
            self._validator.repair(placed)

    @contextmanager
    def _attempt(self, slot: Slot, release: Release) -> Iterator[None]:
        try:
            yield
        except ModelRefusedError as error:
            self._failed(slot, release, error)
            raise
        except Exception as error:
            logs.failure("model_trial_crashed", error, slot=slot, version=release.version)
            refusal = ModelRefusedError(Reason.INTERNAL, f"{type(error).__name__}: {error}")
            self._failed(slot, release, refusal)
            raise refusal from error

    def _failed(self, slot: Slot, release: Release, error: ModelRefusedError) -> None:
        events.refused(
            self._refusals,
            slot,
            version=release.version,
            source=release.source,
            reason=error.reason,
            error=str(error),
            retry_seconds=self._backoff[slot].failed(release),
        )
