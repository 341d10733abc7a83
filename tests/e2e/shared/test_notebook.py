"""From a shell that `slipway env` has set, a notebook reads what the platform keeps."""

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.e2e]

NOTEBOOK = """
import json, os
import boto3, mlflow
import polars as pl

lake = os.environ["SLIPWAY_LAKE"]
runs = mlflow.search_runs(experiment_names=["flight-delays"])
run = mlflow.get_run(runs[runs["tags.verdict"] == "accepted"].run_id.iloc[-1])
tables = {each.dataset.name: each.dataset for each in run.inputs.dataset_inputs}
flights = mlflow.data.get_source(tables["flights"])
model = mlflow.pyfunc.load_model("models:/flight-delays@champion")
rows = pl.DataFrame(json.loads(os.environ["ROWS"]))
print(json.dumps({
    "experiment": mlflow.get_experiment_by_name("flight-delays").tags["mlflow.experimentKind"],
    "buckets": [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]],
    "rows": pl.read_delta(flights.path, version=flights.delta_table_version).height,
    "said": json.loads(tables["flights"].profile)["num_rows"],
    "probability": model.predict(rows)["probability"].to_list(),
    "of pandas": model.predict(rows.to_pandas())["probability"].tolist(),
    "curve": len(mlflow.MlflowClient().get_metric_history(
        run.info.run_id, "validation_binary_logloss")),
}))
"""


def test_a_notebook_finds_runs_tables_and_the_champion(platform) -> None:
    """With MLflow's, polars' and S3's own clients; the model says what the server says."""
    lines = platform.cli("env").out
    prediction = platform.summary["prediction"]
    script = f'{lines}\nexec {sys.executable} -c "$NOTEBOOK"'

    done = subprocess.run(
        ["sh", "-c", script],
        env={
            **platform.cli.environment,
            "NOTEBOOK": NOTEBOOK,
            "ROWS": json.dumps(prediction["rows"]),
            "AWS_SESSION_TOKEN": "of another store",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["experiment"] == "custom_model_development"
    assert {"lake", "mlflow"} <= set(found["buckets"])
    assert found["rows"] == found["said"]
    assert found["probability"] == pytest.approx(prediction["outputs"]["probability"], rel=1e-6)
    assert found["of pandas"] == found["probability"]
    assert found["curve"] > 10
