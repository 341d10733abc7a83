"""A run is in MLflow from its start, and ends there however its pipeline ends."""

import http.server
import json
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from types import SimpleNamespace

import psutil
import pytest

from components.tracking import Run, Tracking
from contracts import variables
from infra.errors import SlipwayError
from slipway.runs import cluster_run
from slipway.runs import tracking as run_tracking
from slipway.runs.cluster_run import PipelinesOfStack
from slipway.runs.run import Failure, run_pipeline
from slipway.runs.tracking import TrackedRun, begin, provenance

PARAMETERS = {"usecase": "flight_delays", "months": "1-3", "source": "", "rounds": 400}


class Mlflow:
    """Takes whatever is sent, and keeps it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict]] = []
        self.running: list[dict] = []

    def answer(self, path: str, body: bytes) -> dict:
        """What the paths that a beginning and an end take answer."""
        name = path.rsplit("/mlflow/", maxsplit=1)[-1].partition("?")[0]
        self.sent.append((name, json.loads(body) if body[:1] == b"{" else {}))
        return {
            "experiments/get-by-name": {"experiment": {"experiment_id": "1"}},
            "runs/create": {"run": {"info": {"run_id": "new"}}},
            "runs/get": {
                "run": {"info": {"experiment_id": "1", "artifact_uri": "mlflow-artifacts:/1/new"}}
            },
            "runs/search": {"runs": self.running},
        }.get(name, {})

    def of(self, name: str) -> list[dict]:
        """What was sent to a path."""
        return [body for path, body in self.sent if path == name]

    @property
    def tags(self) -> dict[str, str]:
        """All tags that were set, by name."""
        bodies = self.of("runs/create") + self.of("runs/log-batch")
        return {tag["key"]: tag["value"] for body in bodies for tag in body.get("tags", [])}

    @property
    def ended(self) -> list[tuple[str, str]]:
        """Which runs were ended, and how."""
        return [(body["run_id"], body["status"]) for body in self.of("runs/update")]


@pytest.fixture
def mlflow():
    """The stand-in, served; its address is `url`."""
    fake = Mlflow()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = json.dumps(fake.answer(self.path, body)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _any  # noqa: N815 - http.server finds them so

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    yield fake
    server.shutdown()
    server.server_close()


def git(folder, *arguments: str) -> str:
    """Git in a folder, as nobody in particular."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(
        ["git", "-C", folder, *who, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_run_says_which_commit_it_is_of_and_whether_more_was_changed(
    monkeypatch, tmp_path
) -> None:
    """By MLflow's own names; a folder that is no repository has none of them."""
    monkeypatch.setattr("slipway.version.ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert not [name for name in provenance("training") if ".git." in name]

    git(tmp_path, "init", "--initial-branch=here")
    git(tmp_path, "commit", "--allow-empty", "-m", "first")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "of-a-hook"))
    found = provenance("training")
    monkeypatch.delenv("GIT_DIR")
    assert found["mlflow.source.git.commit"] == git(tmp_path, "rev-parse", "HEAD")
    assert found["mlflow.source.git.branch"] == "here"
    assert found["mlflow.source.git.dirty"] == "false"
    assert found["mlflow.source.name"] == "pipelines/training.py"
    assert found["mlflow.user"]

    (tmp_path / "changed.py").touch()
    assert provenance("training")["mlflow.source.git.dirty"] == "true"


def test_a_run_begins_with_its_name_and_parameters(mlflow) -> None:
    """Those that are empty say nothing; the experiment is the model's."""
    with Tracking(mlflow.url) as tracking:
        assert begin(tracking, "training", "training-1", PARAMETERS) == "new"

    assert mlflow.of("runs/create")[0]["run_name"] == "training-1"
    given = mlflow.of("runs/log-batch")[0]["params"]
    assert {one["key"]: one["value"] for one in given} == {
        "usecase": "flight_delays",
        "months": "1-3",
        "rounds": "400",
    }


def process(pid: int, born: float) -> dict[str, str]:
    """The tags of a run of that process on this machine."""
    return {run_tracking.HOST: socket.gethostname(), run_tracking.PROCESS: f"{pid}@{born:.2f}"}


def test_runs_whose_process_is_gone_are_ended_by_the_next(mlflow) -> None:
    """Neither those of a living process, nor of another machine, nor of a number used again."""
    me = psutil.Process()
    with subprocess.Popen(["true"]) as child:
        gone = process(child.pid, psutil.Process(child.pid).create_time())
    runs = {
        "gone": gone,
        "reused": process(me.pid, me.create_time() - 1000),
        "alive": process(me.pid, me.create_time()),
        "elsewhere": gone | {run_tracking.HOST: "another"},
        "by hand": {},
    }
    mlflow.running = [
        {
            "info": {"run_id": name},
            "data": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        for name, tags in runs.items()
    ]

    with Tracking(mlflow.url) as tracking:
        begin(tracking, "training", "training-1", PARAMETERS)

    assert mlflow.ended == [("gone", "KILLED"), ("reused", "KILLED")]
    assert mlflow.of("runs/log-batch")[0]["tags"][0]["value"] == run_tracking.GONE


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        ("SUCCEEDED", [("r", "FINISHED", "")]),
        ("FAILED", [("r", "FAILED", "the pipeline run p has ended")]),
        ("CANCELED", [("r", "KILLED", "the pipeline run p has ended")]),
        ("RUNNING", []),
        ("", []),
    ],
)
def test_runs_on_a_cluster_end_as_their_pipeline_did(state, ends) -> None:
    """Though nobody followed it."""
    runs = [Run("r", {run_tracking.PIPELINE_RUN: "p"}), Run("x", {})]
    assert list(run_tracking._ended(runs, lambda _: state)) == ends
    assert list(run_tracking._ended(runs, None)) == []


@pytest.fixture
def run(mlflow, tmp_path):
    """A function that runs `training` here; returns result and events."""

    def go(on_event=lambda _: None, **arguments: str):
        environment = {
            "SLIPWAY_LAKE": str(tmp_path / "lake"),
            variables.TRACKING: mlflow.url,
        }
        return run_pipeline(
            "training", arguments, run_dir=tmp_path / "t-1", on_event=on_event, env=environment
        )

    return go


def test_a_failed_run_ends_as_failed_with_step_cause_and_log(run, mlflow) -> None:
    """The page says all that the command line says."""
    result = run(months="13")

    assert result.status == "failed"
    assert mlflow.ended == [("new", "FAILED")]
    assert mlflow.tags["failed_step"] == "ingest"
    assert mlflow.tags["cause"] == "months='13': month 13 does not exist"
    assert mlflow.of("runs/create")[0]["run_name"] == "t-1"
    assert [path for path, _ in mlflow.sent if path.endswith("/log/ingest.log")]
    assert result.page == f"{mlflow.url}/#/experiments/1/runs/new?workflowType=machine_learning"


def test_a_step_that_is_killed_ends_its_run_as_failed(run, mlflow) -> None:
    """It can say nothing itself."""

    def kill(event) -> None:
        if event.status == "running":
            killed: list[psutil.Process] = []
            while not killed:  # a step is told of before its process is there
                children = psutil.Process().children(recursive=True)
                killed = [each for each in children if "executor_main" in " ".join(command(each))]
            for each in killed:
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(signal.SIGKILL)

    result = run(kill, months="2")

    assert (result.status, result.failure.step) == ("failed", "ingest")
    assert mlflow.ended == [("new", "FAILED")]
    assert "killed" in mlflow.tags["cause"]


def command(process: psutil.Process) -> list[str]:
    """How a process was started; nothing of one that is gone."""
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def test_an_interrupted_run_ends_as_killed(run, mlflow) -> None:
    """Ctrl-C, at any step."""

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupt, months="2")
    assert mlflow.ended == [("new", "KILLED")]


def test_a_wrong_parameter_begins_no_run(run, mlflow) -> None:
    """There is nothing to show of it."""
    run(monthz="1")
    assert mlflow.sent == []


def test_a_failure_is_told_to_the_person_though_mlflow_is_away() -> None:
    """The end that cannot be told does not hide the cause."""
    TrackedRun("r", lambda: Tracking("http://127.0.0.1:9")).failed(Failure("train", "why", "do"))


class Api:
    """Kubeflow Pipelines, as far as a run is submitted."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses, self.work = refuses, None

    def spec(self, _: object) -> dict:
        """A pipeline with the parameters that matter."""
        parameters = {
            "mlflow_run": {"parameterType": "STRING", "defaultValue": ""},
            "months": {"parameterType": "STRING", "defaultValue": "1-3"},
        }
        return {"root": {"inputDefinitions": {"parameters": parameters}}}

    def make_experiment(self, _: str) -> str:
        """Its id."""
        return "e"

    def create_run(self, work) -> str:
        """Its id, or a refusal."""
        self.work = work
        if self.refuses:
            raise SlipwayError("no room")
        return "p"


def submitted(mlflow_url: str, api: Api, monkeypatch) -> None:
    """Submit a run to a cluster's stack."""
    monkeypatch.setattr(PipelinesOfStack, "version", lambda *_: SimpleNamespace())
    pipelines = PipelinesOfStack("far", api, {}, lambda: Tracking(mlflow_url))
    pipelines.submit("training", {"months": "2"})


def test_a_run_on_a_cluster_is_told_of_its_mlflow_run(mlflow, monkeypatch) -> None:
    """And MLflow which pipeline run it is of."""
    api = Api()
    submitted(mlflow.url, api, monkeypatch)

    assert api.work.parameters == {"months": "2", "mlflow_run": "new"}
    assert mlflow.tags[run_tracking.PIPELINE_RUN] == "p"
    assert run_tracking.PROCESS not in mlflow.tags


def test_a_run_that_a_cluster_refuses_ends_as_failed(mlflow, monkeypatch) -> None:
    """Nothing else would end it."""
    with pytest.raises(SlipwayError):
        submitted(mlflow.url, Api(refuses=True), monkeypatch)
    assert mlflow.ended == [("new", "FAILED")]


def test_a_cluster_whose_mlflow_is_out_of_reach_begins_the_run_itself(monkeypatch) -> None:
    """Its first step does, from inside."""
    api = Api()
    submitted("http://127.0.0.1:9", api, monkeypatch)
    assert api.work.parameters == {"months": "2"}


def test_the_run_of_a_pipeline_run_is_in_its_parameters() -> None:
    """So that `--follow` ends it, too."""
    pipelines = PipelinesOfStack("far", Api(), {}, lambda: Tracking("http://127.0.0.1:9"))
    given = {"runtime_config": {"parameters": {"mlflow_run": "r"}}}
    assert pipelines.tracked(given).run_id == "r"
    assert pipelines.tracked({}) is None
    assert cluster_run._tracking({}, "far") is None
