"""The journal's way into real Delta tables: nothing lost, nothing twice, nothing held up."""

import json
import logging
import math
import secrets
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from functools import partial

import polars as pl
import pytest
from deltalake import DeltaTable
from prometheus_client import CollectorRegistry

from serving.agent.delivery import tables
from serving.agent.delivery.metrics import LogMetrics
from serving.agent.delivery.shipper import Shipper
from serving.config import PredictionLog
from serving.prediction_log import segments
from serving.prediction_log.journal import Journal
from serving.prediction_log.records import Label, Prediction, encode

CAPACITY = 1 << 26
SECOND = 10**9
NOON = 1_700_049_600 * SECOND


def prediction(name, rows=1, **more):
    """A record of the small model."""
    column = [row + 0.5 for row in range(rows)]
    fields = {
        "id": name,
        "time": NOON,
        "model": "m",
        "version": "1",
        "digest": "sha256:a",
        "slot": "champion",
        "seconds": 0.25,
        "rows": rows,
        "inputs": {"x": column},
        "outputs": {"y": column},
    }
    return Prediction(**(fields | more))


class Agent:
    """A shipper over a folder, as each start of the agent makes one."""

    def __init__(self, folder, **more):
        self.registry = CollectorRegistry()
        self.url = f"{folder}/lake"
        self.stopping = threading.Event()
        self.shipper = Shipper(
            journal=folder / "journal",
            log=PredictionLog(self.url, flush_seconds=0.05),
            metrics=LogMetrics(self.registry),
            **more,
        )

    def start(self):
        """Ship on a thread of its own, as the agent does."""
        self.thread = threading.Thread(target=self.shipper.run, args=(self.stopping,), daemon=True)
        self.thread.start()

    def stop(self):
        """End the thread; whether it has ended in time."""
        self.stopping.set()
        self.thread.join(30)
        return not self.thread.is_alive()

    def flush(self):
        """Ship all that is there."""
        return self.shipper.flush(last=True)

    def metric(self, name, table=None):
        """A metric's value."""
        labels = {} if table is None else {"table": table}
        return self.registry.get_sample_value(f"slipway_prediction_log_{name}", labels)


def table(folder, name="predictions"):
    """A table's rows."""
    rows = pl.read_delta(f"{folder}/lake/{name}")
    return rows.sort("id", "row")


def journal(folder, **more):
    """A worker's journal."""
    return Journal(folder / "journal", CAPACITY, **more)


def keep(writer, *records):
    """Append, and expect that it is taken."""
    assert writer.append([encode(record) for record in records])


def test_a_prediction_is_a_row_each_scored_row(tmp_path):
    """The columns say what was asked and answered; texts by input name, missing values null."""
    inputs = {
        "carrier": ["UA", ""],
        "hour": [8, 9],
        "seats": [math.nan, None],
        "pair": [True, False, False, True],
        "empty": [],
        "odd": [1.5, 2.5, 3.5],
    }
    outputs = {"p": [0.25, math.inf]}
    record = prediction("a", 2, inputs=inputs, outputs=outputs, key="k", trace="t")
    writer = journal(tmp_path)
    keep(writer, record)
    assert Agent(tmp_path).flush()
    rows = table(tmp_path)
    same = {"seats": None, "empty": [], "odd": [1.5, 2.5, 3.5]}
    assert [json.loads(text) for text in rows["inputs"]] == [
        {"carrier": "UA", "hour": 8, "pair": [True, False]} | same,
        {"carrier": "", "hour": 9, "pair": [False, True]} | same,
    ]
    assert [json.loads(text) for text in rows["outputs"]] == [{"p": 0.25}, {"p": None}]
    assert rows.drop("inputs", "outputs").row(1, named=True) == {
        "id": "a",
        "row": 1,
        "time": datetime(2023, 11, 15, 12, tzinfo=UTC),
        "date": date(2023, 11, 15),
        "model": "m",
        "version": "1",
        "digest": "sha256:a",
        "slot": "champion",
        "seconds": 0.25,
        "key": "k",
        "trace": "t",
    }
    assert DeltaTable(f"{tmp_path}/lake/predictions").metadata().partition_columns == ["date"]


def test_each_record_is_shipped_once_over_flushes_and_starts(tmp_path):
    """However often the agent flushes and starts anew, with open, closed and dead segments."""
    small, other = journal(tmp_path, segment_bytes=500), journal(tmp_path)
    expected = []
    for number in range(12):
        name = f"{number:02}"
        expected += [name, f"{name}b"]
        keep(small, prediction(name))
        keep(other, prediction(f"{name}b"))
        if number % 4 == 1:
            agent = Agent(tmp_path)
        if number > 1:
            assert agent.flush()
    small.close()
    assert Agent(tmp_path).flush()
    assert table(tmp_path)["id"].to_list() == sorted(expected)


def test_what_is_shipped_leaves_the_disk(tmp_path):
    """Closed segments and dead writers' folders go; what waits is nothing again."""
    writer, dead = journal(tmp_path, segment_bytes=500), journal(tmp_path)
    keep(dead, prediction("dead"))
    dead.close()
    for number in range(20):
        keep(writer, prediction(f"{number}"))
    assert len(segments.writers(tmp_path / "journal")) == 2
    agent = Agent(tmp_path)
    assert agent.flush()
    (left,) = segments.writers(tmp_path / "journal")
    assert len(segments.positions(left)) == 1
    assert segments.waiting(tmp_path / "journal") == 0
    assert agent.metric("shipped_total", "predictions") == 21
    writer.close()
    assert Agent(tmp_path).flush()
    assert segments.writers(tmp_path / "journal") == []


DYING_AGENT = """
import os, signal, sys
from pathlib import Path
from prometheus_client import CollectorRegistry
from serving.agent.delivery.journals import Journals
from serving.agent.delivery.metrics import LogMetrics
from serving.agent.delivery.shipper import Shipper
from serving.config import PredictionLog

def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
Journals.release = die
log = PredictionLog(f"{folder}/lake")
metrics = LogMetrics(CollectorRegistry())
Shipper(journal=folder / "journal", log=log, metrics=metrics).flush()
"""


def test_an_agent_killed_between_commit_and_deletion_doubles_nothing(tmp_path):
    """The next one finds in the table what was committed, and deletes it."""
    writer = journal(tmp_path, segment_bytes=500)
    for number in range(9):
        keep(writer, prediction(f"{number}"), Label(f"{number}", 0, value=True, time=NOON))
    killed = subprocess.run([sys.executable, "-c", DYING_AGENT, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(table(tmp_path)) == 9
    keep(writer, prediction("9"))
    assert Agent(tmp_path).flush()
    assert table(tmp_path)["id"].to_list() == [f"{number}" for number in range(10)]
    assert len(table(tmp_path, "feedback")) == 9


def test_a_commit_that_landed_unseen_is_not_repeated(tmp_path, monkeypatch):
    """A store that takes a commit and breaks off before it says so costs a pause, no double row."""
    writer = journal(tmp_path)
    keep(writer, prediction("a"))
    real = tables.write_deltalake

    def breaks(*args, **kwargs):
        real(*args, **kwargs)
        raise OSError("the connection broke")

    agent = Agent(tmp_path)
    monkeypatch.setattr(tables, "write_deltalake", breaks)
    assert not agent.flush()
    monkeypatch.setattr(tables, "write_deltalake", real)
    keep(writer, prediction("b"))
    assert agent.flush()
    assert table(tmp_path)["id"].to_list() == ["a", "b"]
    assert agent.metric("failures_total", "predictions") == 1


WRITER = """
import sys, time
from pathlib import Path
from serving.prediction_log import feedback
from serving.prediction_log.journal import Journal
from serving.prediction_log.records import Prediction, encode

journal = Journal(Path(sys.argv[1]) / "journal", 1 << 26, segment_bytes=20_000)
number = 0
while True:
    number += 1
    name = f"{sys.argv[2]}-{number}"
    column = [0.5]
    columns = {"x": column}
    record = Prediction(
        name, time.time_ns(), "m", "1", "d", "champion", 0.1, 1, columns, columns
    )
    kept = journal.append([encode(record)])
    body = b'{"id": "%s", "value": 1}' % name.encode()
    kept = feedback.accept(body, journal, lambda number: None)[0] == 200 and kept
    # One write each, so that the reader of this pipe sees whole lines whenever this is killed.
    sys.stdout.write(f"{name}\\n" if kept else "dropped\\n")
    sys.stdout.flush()
"""


def started(script, out, *arguments):
    """A script as a process that writes into a file."""
    with out.open("wb") as file:
        return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], stdout=file)


def grown(path, size):
    """Whether a file is longer."""
    return path.stat().st_size > size


def test_what_was_acknowledged_survives_sigkill(tmp_path, wait_until):
    """Writers are killed under load, again and again, while an agent ships, and lose nothing.

    All that was acknowledged, predictions and labels, is in its table exactly once.
    """
    agent = Agent(tmp_path)
    agent.start()
    acknowledged = []
    for round_ in range(4):
        outs = [tmp_path / f"{round_}{who}" for who in "ab"]
        processes = [started(WRITER, out, tmp_path, out.name) for out in outs]
        enough = 20_000 + secrets.randbelow(40_000)
        for process, out in zip(processes, outs, strict=True):
            wait_until(partial(grown, out, enough), "some load")
            process.kill()
            process.wait()
            acknowledged += out.read_text().splitlines()
    assert agent.stop()
    assert segments.writers(tmp_path / "journal") == []
    assert "dropped" not in acknowledged
    rows = table(tmp_path)
    assert len(acknowledged) > 4000
    assert rows["id"].is_unique().all()
    assert set(acknowledged) <= set(rows["id"])
    # At most one append of each writer was cut off from its acknowledgement.
    assert len(rows) <= len(acknowledged) + 8
    labels = table(tmp_path, "feedback")
    assert labels["id"].is_unique().all()
    assert set(acknowledged) <= set(labels["id"])


SHIPPING_AGENT = """
import sys
from pathlib import Path
from prometheus_client import CollectorRegistry
from serving.agent.delivery.metrics import LogMetrics
from serving.agent.delivery.shipper import Shipper
from serving.config import PredictionLog

folder = Path(sys.argv[1])
log = PredictionLog(f"{folder}/lake")
metrics = LogMetrics(CollectorRegistry())
shipper = Shipper(journal=folder / "journal", log=log, metrics=metrics)
while True:
    shipper.flush()
"""


def test_a_killed_agent_under_load_loses_and_doubles_nothing(tmp_path, wait_until):
    """Agents are killed at any moment while a writer goes on; the last one finishes the work."""
    writer = journal(tmp_path, segment_bytes=2000)
    log = tmp_path / "lake/predictions/_delta_log"
    expected = []
    for round_ in range(5):
        before = len(list(log.glob("*.json"))) if round_ else 0
        process = started(SHIPPING_AGENT, tmp_path / f"{round_}", tmp_path)
        more, at_least = len(expected) + secrets.randbelow(200), before + 1 + secrets.randbelow(4)
        # It goes on for as long as the agent needs to be in the middle of its work.
        while len(expected) < more or len(list(log.glob("*.json"))) < at_least:
            expected.append(f"{len(expected):06}")
            keep(writer, prediction(expected[-1]))
        process.kill()
        process.wait()
    assert Agent(tmp_path).flush()
    assert table(tmp_path)["id"].to_list() == expected


def test_a_writer_that_its_table_forgot_is_not_shipped_twice(tmp_path):
    """A table that no longer knows a silent writer's position changes nothing: the disk does."""
    writer = journal(tmp_path)
    keep(writer, prediction("a"), Label("a", 0, 1.0, NOON))
    assert Agent(tmp_path).flush()
    for name in ("predictions", "feedback"):
        (tmp_path / "lake" / name).rename(tmp_path / "lake" / f"{name}-before")
    keep(writer, prediction("b"))
    assert Agent(tmp_path).flush()
    assert table(tmp_path)["id"].to_list() == ["b"]


def test_while_the_store_is_down_everything_waits(tmp_path, caplog, events):
    """A store that refuses costs pauses that grow, a metric and one event; then all arrives."""
    writer = journal(tmp_path)
    lake = tmp_path / "lake"
    lake.write_text("no folder")
    agent = Agent(tmp_path)
    pauses = []
    for number in range(8):
        keep(writer, prediction(f"{number}"))
        assert not agent.flush()
        pauses.append(agent.shipper._pauses.current)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    agent.shipper._measure()
    assert agent.metric("pending_bytes") == segments.waiting(tmp_path / "journal") > 0
    assert agent.metric("delay_seconds") > 0
    assert agent.metric("failures_total", "predictions") == 8
    lake.unlink()
    assert agent.flush()
    assert len(table(tmp_path)) == 8
    assert events(caplog) == ["log_store_refuses", "log_store_answers"]
    agent.shipper._measure()
    assert (agent.metric("pending_bytes"), agent.metric("delay_seconds")) == (0, 0)


def test_the_same_label_again_is_one_row(tmp_path):
    """Within a flush, over flushes and over starts; the newest value of a row wins."""
    writer = journal(tmp_path)
    keep(writer, *[Label("a", 0, value=True, time=NOON)] * 3, Label("a", 1, value=False, time=NOON))
    assert Agent(tmp_path).flush()
    keep(
        writer,
        Label("a", 0, value=True, time=NOON + 1 * SECOND),
        Label("a", 0, value=True, time=NOON + 2 * SECOND),
    )
    keep(writer, Label("a", 1, 0.5, NOON + 5 * SECOND), Label("a", 1, 0.25, NOON + 4 * SECOND))
    assert Agent(tmp_path).flush()
    keep(writer, Label("a", 1, 0.125, NOON + 3 * SECOND))
    assert Agent(tmp_path).flush()
    rows = table(tmp_path, "feedback").select("id", "row", "value", "number").rows()
    assert rows == [("a", 0, "true", 1.0), ("a", 1, "0.5", 0.5)]


def test_values_of_labels_keep_their_type(tmp_path):
    """Numbers, texts and truth values are told apart, are exact, and can be reckoned with."""
    values = [1.0, "1", True, -2.5, "späť ✈", "", 7, 2**53 + 1, -(2**63)]
    keep(journal(tmp_path), *(Label("a", row, value, NOON) for row, value in enumerate(values)))
    assert Agent(tmp_path).flush()
    rows = table(tmp_path, "feedback")
    assert [json.loads(text) for text in rows["value"]] == values
    assert [type(json.loads(text)) for text in rows["value"]] == list(map(type, values))
    # A double that is not the label is worse than none.
    assert rows["number"].to_list() == [1.0, None, 1.0, -2.5, None, None, 7.0, None, -(2.0**63)]


def test_a_record_that_cannot_be_written_holds_up_no_other(tmp_path, caplog):
    """It is said, counted and left out."""
    caplog.set_level(logging.CRITICAL, "slipway.serving")
    keep(journal(tmp_path), prediction("a"), prediction("b", rows=-1), prediction("c"))
    agent = Agent(tmp_path)
    assert agent.flush()
    assert table(tmp_path)["id"].to_list() == ["a", "c"]
    assert agent.metric("torn_total") == 1


def test_every_shipped_prediction_is_observed_once(tmp_path):
    """What watches distributions sees each record once it is in the table."""
    seen = []
    agent = Agent(tmp_path, observe=lambda records: seen.extend(record.id for record in records))
    writer = journal(tmp_path)
    for name in "abc":
        keep(writer, prediction(name), Label(name, 0, 1.0, NOON))
        assert agent.flush()
    assert seen == ["a", "b", "c"]


def test_a_table_of_many_commits_stays_small(tmp_path, wait_until):
    """Small files are joined and checkpoints written; rows and positions stay as they are."""
    writer, agent = journal(tmp_path), Agent(tmp_path)
    upkeep = (
        agent.shipper._delivery._predictions_maintenance,
        agent.shipper._delivery._feedback_maintenance,
    )
    for each in upkeep:
        each.commits = 10
    for number in range(42):
        keep(writer, prediction(f"{number:02}"), Label(f"{number:02}", 0, 1.0, NOON))
        assert agent.flush()
    for name in ("predictions", "feedback"):
        assert len(table(tmp_path, name)) == 42
        assert len(DeltaTable(f"{tmp_path}/lake/{name}").file_uris()) <= 3
        assert list((tmp_path / "lake" / name / "_delta_log").glob("*.checkpoint.parquet"))
    keep(writer, prediction("99"))
    assert Agent(tmp_path).flush()
    assert len(table(tmp_path)) == 43


def test_files_that_no_version_needs_are_deleted(tmp_path):
    """What was joined, and what a killed writer of the table left, goes after some hours."""
    writer, agent = journal(tmp_path), Agent(tmp_path)
    for number in range(3):
        keep(writer, prediction(f"{number}"))
        assert agent.flush()
    predictions = agent.shipper._delivery._predictions
    assert predictions.compact() == 3
    folder = tmp_path / "lake" / "predictions" / "date=2023-11-15"
    (folder / "orphan.parquet").write_bytes(b"left")
    assert len(list(folder.iterdir())) == 5
    assert predictions.vacuum() == 0
    predictions.vacuum(hours=0)
    assert len(list(folder.iterdir())) == 1
    assert len(table(tmp_path)) == 3


def test_two_agents_take_turns(tmp_path, wait_until):
    """One journal has one agent at a time; the next begins when the first has ended."""
    writer, first, second = journal(tmp_path), Agent(tmp_path), Agent(tmp_path)
    first.start()
    keep(writer, prediction("a"))
    wait_until(lambda: first.metric("shipped_total", "predictions") == 1, "the first's")
    second.start()
    keep(writer, prediction("b"))
    wait_until(lambda: first.metric("shipped_total", "predictions") == 2, "the first's again")
    assert first.stop()
    keep(writer, prediction("c"))
    wait_until(lambda: second.metric("shipped_total", "predictions") == 1, "the second's")
    assert second.stop()
    assert table(tmp_path)["id"].to_list() == ["a", "b", "c"]


def test_stopping_ships_what_is_there(tmp_path):
    """A stop does not wait for the next flush, and leaves nothing behind."""
    writer = journal(tmp_path)
    agent = Agent(tmp_path)
    agent.shipper._flush_seconds = 3600.0
    agent.shipper._due = math.inf
    agent.start()
    keep(writer, prediction("a"), Label("a", 0, 1.0, NOON))
    writer.close()
    assert agent.stop()
    assert (len(table(tmp_path)), len(table(tmp_path, "feedback"))) == (1, 1)
    assert segments.writers(tmp_path / "journal") == []


def test_two_servers_share_the_tables(tmp_path):
    """Journals of several servers, shipped by agents of their own, lie in one pair of tables."""
    agents = [Agent(tmp_path), Agent(tmp_path)]
    agents[1].shipper = Shipper(
        journal=tmp_path / "other" / "journal",
        log=PredictionLog(f"{tmp_path}/lake"),
        metrics=LogMetrics(CollectorRegistry()),
    )
    writers = [journal(tmp_path), journal(tmp_path / "other")]
    for round_ in range(3):
        for who, (agent, writer) in enumerate(zip(agents, writers, strict=True)):
            name = f"{round_}{who}"
            keep(writer, prediction(name), Label(name, 0, 1.0, NOON))
            assert agent.flush()
    assert table(tmp_path)["id"].to_list() == ["00", "01", "10", "11", "20", "21"]
    assert len(table(tmp_path, "feedback")) == 6


@pytest.mark.parametrize("rows", [0, 3])
def test_any_number_of_rows_is_laid_out(tmp_path, rows):
    """A record of several rows is as many rows, numbered; one of none is none."""
    keep(journal(tmp_path), prediction("a", rows=rows), prediction("b"))
    assert Agent(tmp_path).flush()
    expected = [*(("a", row) for row in range(rows)), ("b", 0)]
    assert table(tmp_path).select("id", "row").rows() == expected
