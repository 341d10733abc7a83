"""Keeps the slot on the release that the alias names.

Owns the background thread, the order fetch, verify, load, warm up, swap, and the patience with
what fails. A failure never touches the model in service.
"""

import threading
import time
from dataclasses import dataclass, replace

from serving import logs
from serving.cache import Cache, Release
from serving.config import Limits
from serving.errors import ModelRefusedError, Reason
from serving.inference import read
from serving.joining import with_joining
from serving.metrics import Metrics
from serving.model import Model, load
from serving.registry import Artifact, Registry, parse_source
from serving.slots import Placement
from serving.tracking import Tracking, TrackingError
from serving.warmup import example_request, warm_up

_LONGEST_PAUSE = 60.0


@dataclass(slots=True)
class Patience:
    """How long a refused release is left alone: doubled pauses, at most a minute.

    Attributes:
        first: the first pause, in seconds.
    """

    first: float
    _release: Release | None = None
    _failures: int = 0
    _until: float = 0.0

    def allows(self, release: Release) -> bool:
        """Whether this release may be tried now."""
        return release != self._release or time.monotonic() >= self._until

    def failed(self, release: Release) -> float:
        """Note a failure; the pause before the release may be tried again, in seconds."""
        self._failures = self._failures + 1 if release == self._release else 1
        self._release = release
        pause = min(self.first * 2.0**self._failures, _LONGEST_PAUSE)
        self._until = time.monotonic() + pause
        return pause


class Follower:
    """Follows one alias into one slot, in a thread of its own."""

    def __init__(  # noqa: PLR0913  # the collaborators, each given by name
        self,
        *,
        name: str,
        alias: str,
        poll_seconds: float,
        tracking: Tracking,
        registry: Registry,
        cache: Cache,
        slot: Placement,
        metrics: Metrics,
    ) -> None:
        """Bind the collaborators; `start` begins the work."""
        self._name = name
        self._alias = alias
        self._poll_seconds = poll_seconds
        self._tracking = tracking
        self._registry = registry
        self._cache = cache
        self._slot = slot
        self._metrics = metrics
        self._patience = Patience(poll_seconds)
        self._serving: Release | None = None
        self._trouble = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        """Take the last good model from the cache, then look at the alias again and again."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; a load that is under way ends with the process."""
        self._stopping.set()

    def _run(self) -> None:
        self.resume()
        while True:
            self.step()
            if self._stopping.wait(self._poll_seconds):
                return

    def resume(self) -> None:
        """Serve what was last in service, before anyone is asked."""
        release = self._cache.recall()
        if release is not None:
            self._take(release)

    def step(self) -> None:
        """Look at the alias once, and act on it."""
        try:
            release = self._tracking.release()
        except TrackingError as error:
            self._metrics.poll_failures.inc()
            self._note("tracking_unreachable", f"the model registry cannot be asked: {error}")
            return
        if release is None:
            message = f"no version of {self._name!r} has the alias {self._alias!r} yet"
            self._note("alias_missing", message)
            return
        self._recovered()
        if release != self._serving and self._patience.allows(release):
            self._take(release)

    def _take(self, release: Release) -> None:
        begin = time.perf_counter()
        try:
            model, artifact = self._prepare(release)
        except ModelRefusedError as error:
            self._refuse(release, error.reason, str(error))
        except Exception as error:  # noqa: BLE001  # whatever a model does, the thread goes on
            logs.failure("model_load_crashed", error, version=release.version)
            self._refuse(release, Reason.INTERNAL, f"{type(error).__name__}: {error}")
        else:
            self._swap(release, model, artifact, time.perf_counter() - begin)

    def _prepare(self, release: Release) -> tuple[Model, Artifact | None]:
        live = self._slot.champion
        if live is not None and live.digest == parse_source(release.source).digest:
            return replace(live, version=release.version), None
        artifact = self._registry.artifact(release.source)
        model = load(self._name, release.version, artifact.digest, artifact.files)
        warm_up(model)
        model = with_joining(model, read(model, example_request(model), Limits()))
        return model, artifact

    def _swap(
        self, release: Release, model: Model, artifact: Artifact | None, seconds: float
    ) -> None:
        self._slot.champion = model
        self._serving = release
        self._metrics.serves(model)
        logs.info(
            "model_loaded",
            model=model.name,
            version=model.version,
            digest=model.digest,
            seconds=round(seconds, 4),
        )
        if artifact is not None:
            self._remember(release, artifact)

    def _remember(self, release: Release, artifact: Artifact) -> None:
        try:
            self._cache.remember(release, artifact.blobs)
        except OSError as error:
            logs.warning("cache_write_failed", digest=artifact.digest, error=error)

    def _refuse(self, release: Release, reason: Reason, message: str) -> None:
        pause = self._patience.failed(release)
        self._metrics.refused(reason)
        self._slot.reason = f"version {release.version} was refused ({reason}): {message}"
        logs.warning(
            "model_refused",
            model=self._name,
            version=release.version,
            source=release.source,
            reason=reason,
            error=message,
            retry_seconds=pause,
        )

    def _note(self, event: str, message: str) -> None:
        """Log a trouble once, not at every look."""
        self._slot.reason = message
        if event != self._trouble:
            self._trouble = event
            logs.warning(event, model=self._name, error=message)

    def _recovered(self) -> None:
        if self._trouble:
            self._trouble = ""
            logs.info("tracking_answers", model=self._name)
