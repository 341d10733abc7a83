"""Statistics of inputs and outputs, from the journal's records.

Owns the comparison of values with the model's reference. Records come in batches, many thousand a
second, so it works on whole columns.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby
from operator import attrgetter
from typing import Any

import numpy as np

from contracts.model_package import REFERENCE
from serving import logs
from serving.agent.drift.metrics import BUCKETS, DriftMetrics
from serving.agent.releases.oci import layers_of
from serving.errors import ModelRefusedError
from serving.models import reference
from serving.models.reference import Category, Numeric, Reference
from serving.models.slots import Slot
from serving.prediction_log.records import Prediction
from serving.protocol.tensors import Array
from serving.rollout.cache import Cache

_KEPT_REFERENCES = 8
_CHUNK = 512
"""Records at a time: as many as a processor's cache holds takes half the time."""
_NUMBERS = {int, float, type(None)}
_BOUNDS = np.array(BUCKETS)


class Observer:
    """Counts values outside the training rows' ranges, missing ones, and what was predicted."""

    def __init__(self, reference: Callable[[str], Reference | None], metrics: DriftMetrics) -> None:
        """Compare with `reference(digest)` of the model that answered, where it has one."""
        self._reference = lru_cache(_KEPT_REFERENCES)(reference)
        self._metrics = metrics

    def observe(self, predictions: Sequence[Prediction]) -> None:
        """Count a batch. A shadow's inputs are counted with the response that it shadows."""
        for start in range(0, len(predictions), _CHUNK):
            try:
                self._chunk(predictions[start : start + _CHUNK])
            except Exception as error:  # noqa: BLE001  # counting must not hold up the log
                logs.failure("observing_crashed", error)

    def _chunk(self, predictions: Sequence[Prediction]) -> None:
        source = attrgetter("digest", "slot")
        for (digest, slot), group in groupby(sorted(predictions, key=source), source):
            records = list(group)
            if slot != Slot.SHADOW:
                self._inputs(digest, [record.inputs for record in records])
            for name, columns in _by_name(record.outputs for record in records):
                self._output(slot, name, columns)

    def _inputs(self, digest: str, inputs: Sequence[dict[str, list[Any]]]) -> None:
        known = self._reference(digest)
        features = known.features if known else {}
        for name, columns in _by_name(inputs):
            feature = features.get(name)
            values = list(chain.from_iterable(columns))
            if str in map(type, values[:1]):
                outside, missing = _of_texts(values, feature)
            else:
                outside, missing = _of_numbers(np.array(values, np.float64), feature)
            self._metrics.feature(name, outside, missing)

    def _output(self, slot: str, name: str, columns: list[list[Any]]) -> None:
        flat = list(chain.from_iterable(columns))
        if not _NUMBERS.issuperset(map(type, flat)):
            return
        values = np.array(flat, np.float64)
        finite = values[np.isfinite(values)]
        buckets = np.searchsorted(_BOUNDS, finite, side="left")
        counts = np.bincount(buckets, minlength=len(BUCKETS) + 1).tolist()
        self._metrics.output(slot, name, counts, float(finite.sum()))


def references(cache: Cache) -> Callable[[str], Reference | None]:
    """Finds a model's reference by its artifact's digest, in the agent's cache."""

    def find(digest: str) -> Reference | None:
        manifest = cache.get(digest)
        try:
            layer = layers_of(manifest).get(REFERENCE) if manifest else None
            data = cache.get(layer.digest) if layer else None
            return reference.decode(data) if data else None
        except ModelRefusedError as error:
            logs.warning("reference_refused", digest=digest, error=error)
            return None

    return find


def _by_name(records: Iterable[dict[str, list[Any]]]) -> Iterator[tuple[str, list[list[Any]]]]:
    """The columns of each name; requests may have named only some outputs, in any order."""
    by_names: dict[tuple[str, ...], list[Iterable[list[Any]]]] = {}
    for columns in records:
        by_names.setdefault(tuple(columns), []).append(columns.values())
    for names, rows in by_names.items():
        yield from zip(names, map(list, zip(*rows, strict=True)), strict=True)


def _of_numbers(values: Array, feature: Numeric | Category | None) -> tuple[int, int]:
    """How many are outside, and how many missing."""
    missing = int(np.isnan(values).sum())
    if not isinstance(feature, Numeric):
        return 0, missing
    low, high = feature.bounds
    return int(((values < low) | (values > high)).sum()), missing


def _of_texts(values: list[str], feature: Numeric | Category | None) -> tuple[int, int]:
    """How many are outside, and how many missing: empty, and not a category of its own."""
    distinct = set(values)
    category = feature if isinstance(feature, Category) else None
    missing = "" in distinct and not (category and "" in category.shares)
    unknown = category.unknown(distinct) - {""} if category else set()
    outside = sum(map(unknown.__contains__, values)) if unknown else 0
    return outside, values.count("") if missing else 0
