"""The shadow: it scores what was answered, from the log, and is the first to go without."""

import json

import polars as pl
import pytest
from deltalake import DeltaTable
from prometheus_client import CollectorRegistry

from serving.agent.delivery.metrics import LogMetrics
from serving.agent.delivery.shipper import Shipper
from serving.agent.shadow.metrics import ShadowMetrics
from serving.agent.shadow.scorer import ShadowScorer
from serving.config import PredictionLog
from serving.models import model
from serving.prediction_log.journal import Journal
from serving.prediction_log.records import Prediction, encode

CAPACITY = 1 << 26


@pytest.fixture(scope="module")
def load(make_delays):
    """The small model, loaded, by its bias."""
    return lambda bias: model.load("m", "9", "sha256:s", make_delays(bias).titled())


def answered(name, *rows, outputs=True, **other):
    """What the small model without a bias answered to rows of carrier, hour and distance."""
    carriers, hours, distances = map(list, zip(*rows, strict=True))
    scores = [
        0.5 * (carrier == "UA") + hour / 100 + (distance or 0.0) for carrier, hour, distance in rows
    ]
    inputs = {
        "carrier": carriers,
        "hour": hours,
        "distance": distances,
    }
    outputs = {"probability": scores} if outputs else {}
    return Prediction(
        id=name,
        time=5 * 10**9,
        model="m",
        version="1",
        digest="sha256:c",
        slot="champion",
        seconds=0.1,
        rows=len(rows),
        inputs=inputs | other,
        outputs=outputs,
    )


class Scored:
    """A shadow with its metrics."""

    def __init__(self, found, seconds=60.0):
        self.registry = CollectorRegistry()
        self.shadow = ShadowScorer(lambda: found, ShadowMetrics(self.registry, "m"), seconds)

    def metric(self, name):
        """A metric's value."""
        return self.registry.get_sample_value(f"slipway_shadow_{name}", {"model": "m"})


def test_the_shadow_scores_what_was_answered(load):
    """Requests of any number of rows, many at once: each its own rows, under its own id."""
    scored = Scored(load(1))
    records = [answered(f"{n}", *[("UA", n, None), ("B6", 1, 0.5)][: n % 2 + 1]) for n in range(99)]
    found = scored.shadow.score(records)
    assert [(r.id, r.time, r.rows, r.inputs) for r in found] == [
        (r.id, r.time, r.rows, r.inputs) for r in records
    ]
    assert {(r.slot, r.version, r.digest) for r in found} == {("shadow", "9", "sha256:s")}
    for number, record in enumerate(found):
        expected = [1.5 + number / 100, 1.51][: record.rows]
        assert record.outputs["probability"] == pytest.approx(expected)
    assert (scored.metric("predictions_total"), scored.metric("skipped_total")) == (99, 0)


def test_the_difference_is_measured(load):
    """The distance of each row's number from the one that was answered is in the histogram."""
    scored = Scored(load(0.25))
    scored.shadow.score([answered("a", ("UA", 1, 0.5), ("UA", 2, 0.5)), answered("b", ("", 1, 1))])
    assert scored.metric("difference_count") == 3
    assert scored.metric("difference_sum") == pytest.approx(0.75, abs=1e-5)


def test_what_does_not_fit_the_shadow_is_skipped_and_counted(load):
    """Another input, type, range or number of values costs that record, not its neighbours."""
    scored = Scored(load(1))
    row = ("UA", 1, 0.5)
    found = scored.shadow.score(
        [
            answered("fits", row),
            answered("more", row, extra=[1.0]),
            answered("type", row, hour=[1.5]),
            answered("text", row, hour=["1"]),
            answered("range", row, hour=[2**63]),
            answered("size", row, hour=[1, 1]),
            answered("none", row, hour=[]),
            answered("fits too", row, outputs=False),
        ]
    )
    assert [record.id for record in found] == ["fits", "fits too"]
    assert scored.metric("skipped_total") == 6
    assert scored.metric("difference_count") == 1


def test_without_a_shadow_nothing_is_scored_or_counted():
    """An empty slot costs nothing."""
    scored = Scored(None)
    assert scored.shadow.score([answered("a", ("UA", 1, 0.5))]) == []
    scored.shadow.skip(5)
    assert (scored.metric("predictions_total"), scored.metric("skipped_total")) == (0, 0)


def test_a_slow_shadow_is_cut_short(load):
    """What is not scored within its time is skipped and counted."""
    scored = Scored(load(1), seconds=0)
    assert scored.shadow.score([answered("a", ("UA", 1, 0.5))] * 9) == []
    assert scored.metric("skipped_total") == 9


def ship(folder, scored, journal_bytes=CAPACITY):
    """Ship a journal with a shadow."""
    shipper = Shipper(
        journal=folder / "journal",
        log=PredictionLog(f"{folder}/lake", journal_bytes=journal_bytes),
        metrics=LogMetrics(CollectorRegistry()),
        shadow=scored.shadow,
    )
    assert shipper.flush()
    return pl.read_delta(f"{folder}/lake/predictions").sort("id", "slot")


def test_the_shadows_rows_are_logged_with_the_originals(tmp_path, load):
    """In the same commit, under the same ids, once, however often the agent starts."""
    journal = Journal(tmp_path / "journal", CAPACITY)
    for number in range(3):
        assert journal.append([encode(answered(f"{number}", ("UA", 1, 0.5)))])
    for _ in range(2):
        rows = ship(tmp_path, Scored(load(1)))
    assert rows.select("id", "slot").rows() == [
        (f"{number}", slot) for number in range(3) for slot in ("champion", "shadow")
    ]
    texts = rows.filter(pl.col("slot") == "shadow")["outputs"]
    assert [json.loads(text)["probability"] for text in texts] == pytest.approx([2.01] * 3)
    assert DeltaTable(f"{tmp_path}/lake/predictions").version() == 1


def test_a_large_backlog_goes_without_the_shadow(tmp_path, load):
    """Where more waits than a quarter of the capacity, logging goes first."""
    journal = Journal(tmp_path / "journal", CAPACITY)
    assert journal.append([encode(answered(f"{number}", ("UA", 1, 0.5))) for number in range(9)])
    scored = Scored(load(1))
    rows = ship(tmp_path, scored, journal_bytes=1000)
    assert rows["slot"].to_list() == ["champion"] * 9
    assert scored.metric("skipped_total") == 9
