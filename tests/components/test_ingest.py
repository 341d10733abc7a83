"""A run begins in MLflow before anything is read, and names the data that it read."""

from __future__ import annotations

import json

import pytest

from components.ingest import step
from usecases.errors import StepError
from usecases.flight_delays import USECASE

PARAMETERS = {"usecase": "flight_delays", "months": "2"}


@pytest.fixture
def lake(monkeypatch, tmp_path):
    """A lake in a folder."""
    monkeypatch.setenv("SLIPWAY_LAKE", str(tmp_path))
    return str(tmp_path)


def begin(mlflow_run: str = "") -> str:
    """Begin as the component does."""
    return step.begin(USECASE, PARAMETERS, {"mlflow_run": mlflow_run, "pipeline_run": "42"})


def test_a_run_that_is_begun_elsewhere_is_gone_on_with(mlflow):
    """One pipeline run, one MLflow run."""
    first = begin()
    assert begin(first) == first
    assert list(mlflow.runs) == [first]
    assert mlflow.runs[first]["params"] == PARAMETERS
    assert mlflow.runs[first]["tags"]["pipeline_run"] == "42"


def test_the_experiment_is_one_of_classical_training(mlflow):
    """One made by hand is made so, and a person's own choice stays."""
    begin()
    assert mlflow.kinds == {"1": {"mlflow.experimentKind": "custom_model_development"}}
    mlflow.kinds["1"] = {}
    begin()
    assert mlflow.kinds == {"1": {"mlflow.experimentKind": "custom_model_development"}}
    mlflow.kinds["1"] = {"mlflow.experimentKind": "genai_development"}
    begin()
    assert mlflow.kinds == {"1": {"mlflow.experimentKind": "genai_development"}}


def test_the_tables_versions_are_inputs_of_the_run(mlflow, lake):
    """Each with its place, version, columns, and a digest that is of its rows."""
    run = begin()
    landed = step.ingest(USECASE, "", "2", run)
    assert mlflow.runs[run]["tags"]["lake_version"] == landed["version"]
    found = {each["dataset"]["name"]: each["dataset"] for each in mlflow.runs[run]["inputs"]}
    assert set(found) == {"flights", "planes", "weather"}
    flights = found["flights"]
    assert flights["source_type"] == "delta_table"
    assert json.loads(flights["source"]) == {
        "path": f"{lake}/flight-delays/flights",
        "delta_table_version": 0,
    }
    assert json.loads(flights["profile"])["partitions"] == ["2"]
    again = begin()
    step.ingest(USECASE, "", "2", again)
    digests = [each["dataset"]["digest"] for each in mlflow.runs[again]["inputs"]]
    assert digests == [each["dataset"]["digest"] for each in mlflow.runs[run]["inputs"]]


def test_data_that_cannot_be_read_leaves_the_run_that_was_begun(mlflow, lake):
    """There is something to end as failed."""
    run = begin()
    with pytest.raises(StepError, match="month 13 does not exist"):
        step.ingest(USECASE, "", "13", run)
    assert mlflow.runs[run]["status"] == "RUNNING"


def test_steps_without_mlflow_land_their_tables(monkeypatch, lake):
    """A step can be run by itself."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert begin() == ""
    assert step.ingest(USECASE, "", "2", "")["version"] == "flights@0,planes@0,weather@0"
