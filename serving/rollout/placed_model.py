"""A model from the cache, ready to score: a release of `state.json`, loaded and warmed up.

Owns the way from a placed release to a model, for workers and the agent alike. It reads the cache
only.
"""

from serving.config import Limits
from serving.errors import ModelRefusedError, Reason
from serving.models.batchability import with_batchability
from serving.models.model import FILES, OPTIONAL_FILES, Model, load
from serving.models.scoring import read
from serving.models.warmup import example_request, warm_up
from serving.rollout.cache import Cache
from serving.rollout.state import PlacedRelease


def load_placed(name: str, placed: PlacedRelease, cache: Cache) -> Model:
    """The model of a release, by its files' digests.

    Raises:
        ModelRefusedError: the cache has lost a file, or the model fails what validation passed.
    """
    files = {}
    for title in (*FILES, *OPTIONAL_FILES):
        digest = placed.files.get(title)
        data = cache.get(digest) if digest else None
        if data is not None:
            files[title] = data
        elif digest or title in FILES:
            raise ModelRefusedError(Reason.CACHE, f"the cache does not have {title} ({digest})")
    model = load(name, placed.release.version, placed.digest, files)
    warm_up(model)
    return with_batchability(model, read(model, example_request(model), Limits()))
