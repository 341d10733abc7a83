"""Counts of a worker's own that reach the shared metrics a few times a second.

Owns the hot path's counting. A value that several processes share lives in a mapped file and costs
a microsecond a change; a request touches six. Here it costs a list's element, and `flush` brings
the sums over.
"""

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import INF, floatToGoString
from prometheus_client.values import ValueClass

Labels = TypeVar("Labels", bound=tuple[Hashable, ...])


class BufferedCounter(Generic[Labels]):
    """A counter by labels from closed sets."""

    def __init__(self, counter: Counter, *fixed: str) -> None:
        """Count for `counter`, whose first labels are `fixed`."""
        self._counter = counter
        self._fixed = fixed
        self._sums: dict[Labels, int] = {}

    def add(self, labels: Labels, number: int = 1) -> None:
        """Count `number` more events with these labels."""
        self._sums[labels] = self._sums.get(labels, 0) + number

    def flush(self) -> None:
        """Add the buffered counts to the shared counter."""
        sums, self._sums = self._sums, {}
        for labels, number in sums.items():
            self._counter.labels(*self._fixed, *labels).inc(number)


class SharedHistogram(Collector):
    """A histogram that takes many observations at once, which the library's own does not.

    It keeps them in the library's values, so that with several processes they are in the shared
    files, under the names of a histogram.

    Attributes:
        bounds: the upper bounds of all buckets but the last.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str],
        bounds: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        """Register a histogram with ascending upper `bounds`; the last bucket is unbounded."""
        self._name = name
        self._documentation = documentation
        self._labelnames = tuple(labelnames)
        self.bounds = tuple(map(float, bounds))
        self._les = [floatToGoString(bound) for bound in (*self.bounds, INF)]  # type: ignore[no-untyped-call]  # left untyped there
        self._children: dict[tuple[str, ...], tuple[Any, list[Any]]] = {}
        registry.register(self)
        if not labelnames:
            self._child(())

    def add(self, labels: Sequence[object], counts: Sequence[int], total: float) -> None:
        """Add observations with these labels.

        Args:
            labels: the labels' values.
            counts: observations by bucket, the last beyond the greatest bound.
            total: the sum of the observed values.
        """
        shared_total, buckets = self._child(tuple(map(str, labels)))
        shared_total.inc(total)
        for bucket, count in zip(buckets, counts, strict=True):
            if count:
                bucket.inc(count)

    def _child(self, labels: tuple[str, ...]) -> tuple[Any, list[Any]]:
        child = self._children.get(labels)
        if child is None:
            names = (*self._labelnames, "le")
            total = self._value("_sum", self._labelnames, labels)
            buckets = [self._value("_bucket", names, (*labels, le)) for le in self._les]
            child = self._children[labels] = (total, buckets)
        return child

    def _value(self, suffix: str, names: tuple[str, ...], labels: tuple[str, ...]) -> Any:
        name = self._name
        return ValueClass("histogram", name, name + suffix, names, labels, self._documentation)

    def collect(self) -> Iterable[Metric]:
        """This process's observations, in the form of the library's histogram."""
        metric = Metric(self._name, self._documentation, "histogram")
        for values, (total, buckets) in self._children.items():
            labels = dict(zip(self._labelnames, values, strict=True))
            count = 0.0
            for le, bucket in zip(self._les, buckets, strict=True):
                count += bucket.get()
                metric.add_sample(f"{self._name}_bucket", labels | {"le": le}, count)
            metric.add_sample(f"{self._name}_count", labels, count)
            # A sum of values that may be negative is no counter.
            if self.bounds[0] >= 0:
                metric.add_sample(f"{self._name}_sum", labels, total.get())
        return [metric]


class _Observations:
    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total = 0.0


class BufferedHistogram(Generic[Labels]):
    """A histogram by labels from closed sets."""

    def __init__(self, histogram: SharedHistogram, *fixed: str) -> None:
        """Observe for `histogram`, whose first labels are `fixed`."""
        self._histogram = histogram
        self._bounds = list(histogram.bounds)
        self._fixed = fixed
        self._observations: dict[Labels, _Observations] = {}

    def observe(self, labels: Labels, value: float) -> None:
        """Buffer one observation."""
        observations = self._observations.get(labels)
        if observations is None:
            observations = _Observations(len(self._bounds) + 1)
            self._observations[labels] = observations
        observations.counts[bisect_left(self._bounds, value)] += 1
        observations.total += value

    def flush(self) -> None:
        """Add the buffered observations to the shared histogram."""
        buffered, self._observations = self._observations, {}
        for labels, observations in buffered.items():
            self._histogram.add((*self._fixed, *labels), observations.counts, observations.total)
