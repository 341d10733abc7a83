"""Running pipelines on this machine."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from infra.kubeflow.compiled import compile_all
from slipway import exits
from slipway.runs import run as pipeline_run
from slipway.runs.local_runner import StepLog, StepWatch
from slipway.runs.run import Failure, run_pipeline
from slipway.runs.step_failure import diagnose
from usecases.errors import StepError
from usecases.flight_delays import USECASE


@pytest.fixture
def run(tmp_path):
    """A function that runs `training` over a lake in a folder; returns result and events."""

    def go(name="training", **arguments):
        events = []
        result = run_pipeline(
            name,
            arguments,
            run_dir=tmp_path / "run",
            on_event=events.append,
            env={"SLIPWAY_LAKE": str(tmp_path / "lake")},
        )
        return result, [(event.step, event.status) for event in events]

    return go


@pytest.fixture
def source(tmp_path):
    """A folder with a few real rows, to be spoilt."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name, table in USECASE.read("", "2").items():
        rows = table.frame.drop("row").head(40)
        rows.write_csv(folder / f"{name}.csv", null_value="NA")
    return folder


def test_month_that_does_not_exist_fails_at_ingest(run, tmp_path):
    """The failing step, the cause and the valid months are in the result; later steps never ran."""
    result, events = run(months="13")
    assert (result.status, events) == ("failed", [("ingest", "running"), ("ingest", "failed")])
    assert result.failure == Failure(
        step="ingest",
        cause="months='13': month 13 does not exist",
        remedy="give months between 1 and 12, such as 1-3 or 1,2,5-7",
    )
    assert "StepError" in (tmp_path / "run" / "log" / "ingest.log").read_text()


def test_a_path_with_odd_signs_is_a_path(tmp_path):
    """Neither a pattern, nor several words, nor a name of the interpreter, to any step."""
    odd = tmp_path / "a b [c] *d? python3 'e' #f"
    events = []

    run_pipeline(
        "training",
        {"months": "1", "usecase": "flight_delays"},
        run_dir=odd / "run",
        on_event=events.append,
        env={"SLIPWAY_LAKE": str(tmp_path / "lake")},
    )

    assert ("split", "succeeded") in [(event.step, event.status) for event in events]


def test_steps_are_run_by_this_interpreter_whatever_its_path_is():
    """kfp.local would write the path into their scripts, unquoted, and over each `python3`."""
    code = """if True:
        import subprocess
        from kfp.local import subprocess_task_handler as handler
        from slipway.runs import local_runner
        local_runner._call_interpreter_by_name()
        with handler.environment(use_venv=False) as python:
            command = ["sh", "-c", "python3 -c 'import sys; print(sys.prefix)'", "/a python3/b"]
            assert handler.replace_python_executable(command, python) == command
        subprocess.run(command, check=True)
    """

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stdout == f"{sys.prefix}\n", done.stderr


def test_rows_that_break_rules_fail_at_validate(run, source):
    """Bad values end the run at validate with row and rule; what ingest returned is kept."""
    path = source / "weather.csv"
    lines = path.read_text().splitlines()
    cells = lines[7].split(",")
    cells[lines[0].split(",").index("humid")] = "130"
    lines[7] = ",".join(cells)
    path.write_text("\n".join(lines))
    result, events = run(months="2", source=str(source))
    assert (result.status, events[-1]) == ("failed", ("validate", "failed"))
    assert result.failure == Failure(
        step="validate",
        cause="1 rule is broken:"
        " weather: humid must be between 0 and 100 (1 row, e.g. row 7: 130.0)",
        remedy="mend the source, or change the rule in the use case's schema.py; no model was made",
    )
    assert result.outputs["ingest"]["version"] == "flights@0,planes@0,weather@0"
    assert [(step.step, step.status) for step in result.steps] == [
        ("ingest", "succeeded"),
        ("validate", "failed"),
    ]


def test_changed_schema_fails_at_validate(run, source):
    """A renamed column is named."""
    path = source / "planes.csv"
    path.write_text(path.read_text().replace("seats", "chairs", 1))
    result, _ = run(months="2", source=str(source))
    assert (result.failure.step, result.failure.cause) == (
        "validate",
        "2 rules are broken: planes: column seats is missing"
        " | planes: column chairs is not expected",
    )


def test_corrupt_file_fails_at_ingest(run, source):
    """A file that cannot be read is named, and nothing came into the lake."""
    (source / "flights.csv").rename(source / "flights.csv.zip")
    result, _ = run(months="2", source=str(source))
    assert (result.failure.step, result.failure.cause, result.outputs) == (
        "ingest",
        "flights.csv.zip cannot be read: File is not a zip file",
        {},
    )


@pytest.mark.parametrize(
    ("name", "arguments", "cause", "remedy"),
    [
        (
            "training",
            {"monthz": "1"},
            "the pipeline has no parameter monthz",
            "valid are: accept_breaking, mlflow_run, months, rounds, seed, source, usecase",
        ),
        (
            "training",
            {"rounds": "many"},
            "rounds='many' is not a whole number",
            "give rounds a whole number",
        ),
        ("trainng", {}, "there is no pipeline trainng", "choose one of: training"),
    ],
)
def test_wrong_names_and_values_start_nothing(run, name, arguments, cause, remedy):
    """What does not fit the pipeline is refused before any step."""
    result, events = run(name, **arguments)
    assert (result.status, result.failure, events) == ("failed", Failure(name, cause, remedy), [])


SHELL = """
import json, os, sys, tempfile
from pathlib import Path
tempfile.mkdtemp()
found = dict(os.environ) | {"path": sys.path}
Path(os.environ["SAID"]).write_text(json.dumps(found))
"""


def test_runner_finds_no_shell_of_anybodys(tmp_path, monkeypatch):
    """Steps find what is composed and given; what they leave lying goes with the run."""
    strange = {
        "AWS_SESSION_TOKEN": "theirs",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "PYTHONPATH": str(tmp_path),
        "TMPDIR": str(tmp_path / "gone"),
        "SLIPWAY_SIGNING_KEY": "theirs",
    }
    for name, value in strange.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "secrets.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    (python := tmp_path / "python").write_text(f"#!/bin/sh\nexec {sys.executable} -c '{SHELL}'")
    python.chmod(0o755)
    monkeypatch.setattr(pipeline_run.sys, "executable", str(python))

    run_pipeline(
        "training", {}, run_dir=tmp_path / "run", on_event=print, env={"SAID": str(tmp_path / "x")}
    )

    found = json.loads((tmp_path / "x").read_text())
    temporary = tmp_path / "run" / "tmp"
    assert strange.keys() & found.keys() == {"TMPDIR"}
    assert found["TMPDIR"] == str(temporary)
    assert str(tmp_path) not in found["path"]
    assert not temporary.exists()


def test_step_that_fails_on_a_full_disk_is_not_said_to_want_memory(tmp_path, monkeypatch):
    """Its log, which has no room either, cannot say it."""
    monkeypatch.setattr(exits.shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))

    cause, remedy = diagnose(log_of(tmp_path, ""))

    assert cause == "the step ended without saying why"
    assert remedy.startswith(f"the disk of {tmp_path / 'step.log'} has 4 KiB left: free some space")


def test_runner_that_dies_is_a_failure(tmp_path, monkeypatch):
    """If the runner process ends without a word, the result says where to read on."""
    monkeypatch.setattr(pipeline_run.sys, "executable", "/bin/false")
    result = run_pipeline("training", {}, run_dir=tmp_path, on_event=print)
    assert result.failure == Failure(
        "training",
        "the pipeline runner ended with exit status 1",
        f"read {tmp_path / 'runner.log'}",
    )


def test_interrupt_ends_the_steps(tmp_path, monkeypatch):
    """When the caller is interrupted the runner and its steps end with it."""
    started = []
    popen = subprocess.Popen

    def remember(*args, **options):
        started.append(popen(*args, **options))
        return started[-1]

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline_run.subprocess, "Popen", remember)
    with pytest.raises(KeyboardInterrupt):
        run_pipeline("training", {}, run_dir=tmp_path, on_event=interrupt)
    assert started[0].returncode == -signal.SIGTERM
    steps = [each for each in psutil.process_iter() if group_of(each) == started[0].pid]
    _, alive = psutil.wait_procs(steps, timeout=30)
    assert alive == []


def group_of(process: psutil.Process) -> int | None:
    """The process group of a process that may be gone by now."""
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return None


ORPHAN = """
import sys
from pathlib import Path
from slipway.runs.run import run_pipeline
run_pipeline("training", {}, run_dir=Path(sys.argv[1]), on_event=lambda e: print(e, flush=True))
"""


def test_killed_caller_leaves_no_runner(tmp_path):
    """When the caller is killed outright, runner and steps end too."""
    argv = [sys.executable, "-c", ORPHAN, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as caller:
        caller.stdout.readline()
        runners = psutil.Process(caller.pid).children(recursive=True)
        caller.kill()
    _, alive = psutil.wait_procs(runners, timeout=30)
    assert (len(runners) > 0, alive) == (True, [])


def test_what_runs_here_is_what_a_cluster_is_given(run, tmp_path):
    """The runner's file is, to the byte, the one that a deployment uploads."""
    result, _ = run(months="13")
    assert result.failure.step == "ingest"
    assert (tmp_path / "run" / "training.yaml").read_text() == compile_all()["training"].text


def test_what_is_for_clusters_alone_is_passed_over_in_silence(run, tmp_path):
    """Sizes and the platform's document are no news at any step."""
    run(months="13")
    assert "no effect" not in (tmp_path / "run" / "runner.log").read_text()


def test_step_that_succeeds_at_the_second_try_has_not_failed(tmp_path):
    """kfp.local announces each try."""
    said, log = [], StepLog(tmp_path)
    watch = StepWatch(log, said.append)
    for status in ("FAILURE", "SUCCESS"):
        for text in ("Executing task 'train'", f"Task 'train' finished with status {status}"):
            watch.filter(logging.LogRecord("", 0, "", 0, text, (), None))
    log.close()
    assert [event["status"] for event in said] == ["running", "failed", "running", "succeeded"]
    assert watch.failed is None


def log_of(tmp_path, text):
    """Write a step's log."""
    path = tmp_path / "step.log"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("tail", "cause"),
    [
        (f"usecases.errors.StepError: {StepError('a: b', 'c')}", ("a: b", "c")),
        ("ValueError: two", ("ValueError: two", None)),
        ("ValueError: two\n  and more\n\n12:00 - ERROR - kfp", ("ValueError: two", None)),
        ("KeyboardInterrupt", ("KeyboardInterrupt", None)),
    ],
)
def test_cause_is_the_last_tracebacks_last_word(tmp_path, tail, cause):
    """An earlier traceback and kfp's own lines do not hide what ended the step."""
    first = "Traceback (most recent call last):\n  File x\nKeyError: 1\n\nDuring handling\n\n"
    log = log_of(tmp_path, f"{first}Traceback (most recent call last):\n  File y\n{tail}\n")
    assert diagnose(log) == (cause[0], cause[1] or f"read {log}")


def test_step_without_a_traceback_was_perhaps_killed(tmp_path):
    """A log that just ends says so."""
    log = log_of(tmp_path, "working\n")
    assert diagnose(log) == (
        "the step ended without saying why; it may have been killed for want of memory",
        f"read {log}",
    )


def test_products_are_read_from_kfps_record(tmp_path):
    """Returned values and artifact files are found by step."""
    step = tmp_path / "artifacts" / "training-1" / "gate"
    step.mkdir(parents=True)
    record = {
        "parameterValues": {"Output": "rejected"},
        "artifacts": {"decision": {"artifacts": [{"uri": "/x/decision"}]}},
    }
    (step / "executor_output.json").write_text(json.dumps(record))
    outputs, artifacts = pipeline_run._products(tmp_path)
    assert (outputs, {name: str(path) for name, path in artifacts.items()}) == (
        {"gate": "rejected"},
        {"gate.decision": "/x/decision"},
    )
