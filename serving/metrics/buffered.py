"""Counts of a worker's own that reach the shared metrics a few times a second.

Owns the hot path's counting. A value that several processes share lives in a mapped file and costs
a microsecond a change; a request touches six. Here it costs a list's element, and `flush` brings
the sums over.
"""

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar

from prometheus_client import Counter, Histogram

Labels = TypeVar("Labels", bound=tuple[Hashable, ...])


class Count(Generic[Labels]):
    """A counter by labels from closed sets."""

    def __init__(self, counter: Counter, *fixed: str) -> None:
        """Count for `counter`, whose first labels are `fixed`."""
        self._counter = counter
        self._fixed = fixed
        self._sums: dict[Labels, int] = {}

    def add(self, labels: Labels, number: int = 1) -> None:
        """Count more of these."""
        self._sums[labels] = self._sums.get(labels, 0) + number

    def flush(self) -> None:
        """Bring what was counted to the shared counter."""
        sums, self._sums = self._sums, {}
        for labels, number in sums.items():
            self._counter.labels(*self._fixed, *labels).inc(number)


def add(child: Any, counts: Sequence[int], total: float) -> None:
    """Add many observations at once to a histogram's child.

    Args:
        child: the histogram with its labels.
        counts: observations by bucket, the last beyond the greatest bound.
        total: their sum.
    """
    # The library has no way to add many at once but the values that it keeps itself.
    child._sum.inc(total)  # noqa: SLF001
    for bucket, count in zip(child._buckets, counts, strict=True):  # noqa: SLF001
        if count:
            bucket.inc(count)


class _Spread:
    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total = 0.0


class Distribution(Generic[Labels]):
    """A histogram by labels from closed sets."""

    def __init__(self, histogram: Histogram, bounds: Sequence[float], *fixed: str) -> None:
        """Observe for `histogram`, made with these upper bounds; its first labels are `fixed`."""
        self._histogram = histogram
        self._bounds = list(bounds)
        self._fixed = fixed
        self._spreads: dict[Labels, _Spread] = {}

    def observe(self, labels: Labels, value: float) -> None:
        """Note a value."""
        spread = self._spreads.get(labels)
        if spread is None:
            spread = self._spreads[labels] = _Spread(len(self._bounds) + 1)
        spread.counts[bisect_left(self._bounds, value)] += 1
        spread.total += value

    def flush(self) -> None:
        """Bring what was observed to the shared histogram."""
        spreads, self._spreads = self._spreads, {}
        for labels, spread in spreads.items():
            add(self._child(labels), spread.counts, spread.total)

    def _child(self, labels: Labels) -> Any:
        every = (*self._fixed, *labels)
        return self._histogram.labels(*every) if every else self._histogram
