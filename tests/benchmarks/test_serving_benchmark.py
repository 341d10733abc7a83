"""The model server's benchmark says what was measured, and asks all servers for the same job."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.serving import bodies, client, goals, kept, models, report, wrk
from benchmarks.serving.client import ClientError, Figures
from benchmarks.serving.contestants import BARE, FLOOR, SLIPWAY, Contestant
from benchmarks.serving.cores import Split
from benchmarks.serving.leak import Leak
from benchmarks.serving.measurement import Measured
from benchmarks.serving.rounds import Result, Setting, median
from benchmarks.serving.stage import stage
from benchmarks.serving.upstream import Upstream

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
PEERS = ROOT / "benchmarks" / "serving" / "peers"
KSERVE = Contestant("KServe", "peer", SLIPWAY.command)
MLSERVER = Contestant("MLServer", "peer", SLIPWAY.command)
ALL = (SLIPWAY, KSERVE, MLSERVER, BARE, FLOOR)


def figures(rate, p99=1.0, errors=0):
    return Figures(rate, 0.5, p99, 2.0, errors, 1000)


def measured(rates, errors=0):
    """One model and one worker; rates and p99 by contestant."""
    results = {
        name: Result(1.0, 50.0, {goals.LOAD: figures(*seen, errors * (name == SLIPWAY.name))})
        for name, seen in rates.items()
    }
    contestants = tuple(each for each in ALL if each.name in rates)
    forms = {name: figures(100.0) for name in ("JSON, prediction log on", "explained")}
    leak = Leak(100, ((10, 70.0, 90.0), (50, 60.0, 90.0), (100, 60.0, 90.0)), 0)
    return Measured(
        {"dense": "dense"}, contestants, (), {Setting("dense", 1): results}, forms, leak, 3
    )


GOOD = {
    "Slipway": (20_000.0, 1.0),
    "KServe": (1_000.0, 9.0),
    "MLServer": (2_000.0, 8.0),
    "bare handler": (21_000.0, 1.0),
    "bare HTTP floor": (50_000.0, 1.0),
}


def test_figures_at_the_bounds_meet_the_goal():
    """Ten times each rival, 2.5 times below the floor and a lower p99 is what the goal asks."""
    verdicts = list(goals.verdicts(measured(GOOD)))

    assert [each.met for each in verdicts] == [True] * 5


@pytest.mark.parametrize(
    ("changed", "errors", "missed"),
    [
        ({"KServe": (2_001.0, 9.0)}, 0, "10x the throughput of KServe"),
        ({"MLServer": (2_001.0, 9.0)}, 0, "10x the throughput of MLServer"),
        ({"bare HTTP floor": (50_001.0, 1.0)}, 0, "within 2.5x of the bare HTTP floor"),
        ({"KServe": (1_000.0, 1.0)}, 0, "p99 below KServe and MLServer"),
        ({}, 1, "no request of Slipway fails"),
    ],
)
def test_what_is_missed_is_said_alone(changed, errors, missed):
    """A figure beyond its bound is reported as missed, and nothing else is."""
    verdicts = goals.verdicts(measured(GOOD | changed, errors))

    assert [each.what for each in verdicts if not each.met] == [missed]


def test_a_rival_counts_with_its_better_number_of_workers():
    """A server that its own workers make slower is not an easier rival for it."""
    one, many = measured(GOOD), measured(GOOD | {"MLServer": (10.0, 90.0)})
    results = one.results | {Setting("dense", 8): many.results[Setting("dense", 1)]}

    verdicts = goals.verdicts(dataclasses.replace(one, results=results))

    assert [each.measured for each in verdicts if "MLServer" in each.what] == [
        *("10.0x", "1.0 ms; 9.0, 8.0"),
        *("10.0x", "1.0 ms; 9.0, 8.0"),
    ]


def test_an_absent_rival_is_not_beaten():
    """A peer that could not be installed gives no verdict."""
    without = {name: seen for name, seen in GOOD.items() if name != "KServe"}

    whats = [each.what for each in goals.verdicts(measured(without))]

    assert "10x the throughput of KServe" not in whats
    assert "10x the throughput of MLServer" in whats


def test_the_page_is_one_part_with_every_contestant():
    """The part can stand in the place of the earlier one, and names who was measured."""
    page = report.page(measured(GOOD))

    assert page.startswith(report.TITLE)
    assert page.count("\n## ") == 0
    assert all(f"| {name} |" in page for name in GOOD)
    assert "| KServe | 1,000 (20x) |" in page


def test_medians_add_up_errors():
    """A round with errors cannot hide behind two without."""
    rounds = [figures(3.0), figures(1.0, 5.0, 7), figures(2.0)]

    assert median(rounds) == Figures(2.0, 0.5, 1.0, 2.0, 7, 3000)


def test_a_leak_is_its_slope_after_warming_up():
    """Memory that settles is flat; what grows with requests is measured in MiB a million."""
    samples = ((100_000, 90.0, 50.0), (500_000, 60.0, 60.0), (1_000_000, 60.0, 85.0))

    assert Leak(1_000_000, samples, 0).slopes == pytest.approx((0.0, 50.0))


def test_all_forms_of_a_request_say_the_same():
    """Each form holds the rows that onnxruntime is given."""
    model = models.synthetic(3)
    x = model.arrays(3)["x"]
    binary = bodies.binary(model, 3)
    head = int(binary.headers["Inference-Header-Content-Length"])

    assert json.loads(bodies.protocol(model, 3).data)["inputs"][0]["data"] == pytest.approx(
        x.ravel().tolist()
    )
    assert json.loads(bodies.columns(model, 3).data)["columns"]["x"] == [
        pytest.approx(row) for row in x.tolist()
    ]
    assert [row["x"] for row in json.loads(bodies.named_rows(model, 3).data)["rows"]] == [
        pytest.approx(row) for row in x.tolist()
    ]
    assert binary.data[head:] == x.tobytes()


@pytest.mark.parametrize("contestant", [SLIPWAY, BARE, FLOOR], ids=lambda each: each.name)
def test_the_projects_own_contestants_do_the_job(contestant):
    """Slipway and the floors start on the benchmark's stage; those that score answer rightly."""
    model = models.synthetic(2)
    with Upstream([model]) as upstream, stage(contestant, model, 1, upstream.address) as stand:
        if contestant.read:
            for rows in (1, 2):
                stand.check(contestant.body(model, rows), rows, contestant.read)

        assert stand.server.mebibytes() > 0
    assert stand.server.process.poll() is not None


def test_without_wrk_one_line_says_how_to_get_it(monkeypatch, tmp_path):
    """The benchmark's client is named where it is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ClientError, match="apt-get install wrk"):
        wrk.require()


def test_refused_and_broken_requests_are_errors():
    """What a client says of failures is counted, and refused answers are not throughput."""
    said = {"requests": 100, "microseconds": 1e6, "failed": 10, "broken": 2}
    line = json.dumps(said | {"p50": 1000, "p99": 2000, "p999": 3000})

    seen = client.run([sys.executable, "-c", f"print({line!r})"], Split().client)

    assert seen == Figures(90.0, 1.0, 2.0, 3.0, 12, 100)


def test_quick_measures_the_server_only():
    """`--quick` with anything else is refused in one line, as nothing else knows it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks", "steps", "--quick"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "--quick goes with `serving` only" in done.stderr


@pytest.mark.parametrize("pins", sorted(PEERS.glob("*.txt")), ids=lambda path: path.stem)
def test_peers_score_with_the_same_onnxruntime(pins):
    """A peer's environment has the version that the project's own has."""
    ours = re.search(r"(?m)^onnxruntime==[0-9.]+ ; .*!= 'darwin'", LOCK.read_text())
    theirs = re.search(r"(?m)^onnxruntime==[0-9.]+", pins.read_text())

    assert ours[0].split()[0] == theirs[0]


def test_what_the_log_kept_is_read_from_the_metrics() -> None:
    """Kept, dropped and waiting; nothing of a server whose agent ships no log."""
    records = 'slipway_prediction_log_records_total{kind="prediction"} 3e+06\n'
    dropped = 'slipway_prediction_log_dropped_total{model="m"} 2.0\n'
    text = records + dropped + "slipway_prediction_log_pending_bytes 1.048576e+06\n"

    assert kept.read(text) == kept.Kept(3_000_000, 2, 1.0)
    assert kept.read(records + dropped) is None
