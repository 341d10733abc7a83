"""A histogram that takes many observations at once, beside the library's, which takes one."""

import json
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from serving.metrics.buffered import BufferedHistogram, SharedHistogram

POSITIVE, ANY = (0.5, 1.0, 10.0), (-1.0, 0.0, 1.0)
VALUES = [0.25, 0.5, 0.75, 1.0, 3.0, 11.0, 1e9]

SHARED = """
import json, sys
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from serving.metrics.buffered import BufferedHistogram, SharedHistogram

values, bounds, labels = json.loads(sys.argv[1])
names = [name for name, _ in labels]
own, theirs = CollectorRegistry(), CollectorRegistry()
histogram = SharedHistogram("a_seconds", "Time.", names, bounds, own)
buffered = BufferedHistogram(histogram, *[value for _, value in labels])
library = Histogram("b_seconds", "Time.", names, buckets=bounds, registry=theirs)
for value in values:
    buffered.observe((), value)
    (library.labels(*[value for _, value in labels]) if labels else library).observe(value)
buffered.flush()
found = {}
for metric in MultiProcessCollector(None, sys.argv[2]).collect():
    found[metric.name] = [metric.type, metric.documentation, sorted(
        [sample.name[1:], sorted(sample.labels.items()), sample.value] for sample in metric.samples
    )]
print(json.dumps(found))
"""


def texts(registry):
    """What a registry exposes, without what says when it was made."""
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if "_created" not in line]


@pytest.mark.parametrize("bounds", [POSITIVE, ANY])
@pytest.mark.parametrize("labels", [{}, {"slot": "champion", "code": "200"}])
def test_one_process_exposes_what_the_library_would(bounds, labels):
    """Buckets, count and sum are the library's own, and so is that sums may be missing."""
    own, theirs = CollectorRegistry(), CollectorRegistry()
    histogram = SharedHistogram("x_seconds", "Time.", list(labels), bounds, own)
    library = Histogram("x_seconds", "Time.", list(labels), buckets=bounds, registry=theirs)
    buffered = BufferedHistogram(histogram, *labels.values())
    for value in VALUES:
        buffered.observe((), value)
        (library.labels(*labels.values()) if labels else library).observe(value)
    buffered.flush()
    assert texts(own) == texts(theirs)


def test_a_histogram_without_labels_begins_with_zeros():
    """A series that begins with its first observation is one that `rate` does not see."""
    own, theirs = CollectorRegistry(), CollectorRegistry()
    SharedHistogram("x_rows", "Rows.", (), POSITIVE, own)
    Histogram("x_rows", "Rows.", buckets=POSITIVE, registry=theirs)
    assert texts(own) == texts(theirs)


@pytest.mark.parametrize("labels", [[], [["slot", "champion"]]])
def test_processes_share_what_the_library_would(tmp_path, labels):
    """The shared files hold a histogram like the library's, of the same samples."""
    arguments = json.dumps([VALUES, POSITIVE, labels])
    ended = subprocess.run(
        [sys.executable, "-c", SHARED, arguments, str(tmp_path)],
        env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ended.stdout)
    assert found["a_seconds"] == found["b_seconds"]
    assert found["a_seconds"][0] == "histogram"
