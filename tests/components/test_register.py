"""Registering and releasing a version."""

from __future__ import annotations

import pytest

from components.register import logic
from components.release.logic import release
from components.tracking import Tracking
from contracts.mlflow_api import API
from usecases.errors import StepError
from usecases.flight_delays import USECASE

DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture
def tracking(mlflow, monkeypatch):
    """A connection to the stand-in, with one run started."""
    import os  # noqa: PLC0415 -- the address is known only now

    with Tracking(os.environ["MLFLOW_TRACKING_URI"]) as connection:
        connection.start_run("flight-delays", "training 42", {})
        yield connection


@pytest.fixture
def facts(evaluation):
    """Evaluation and decision as the step reads them."""
    return {
        "evaluation": evaluation.as_json(),
        "decision": {"run_id": "run0", "lake_version": "flights@0"},
    }


def test_version_points_at_the_digest(tracking, mlflow, facts):
    """The version's source and tags follow the contract; the run ends and knows its version."""
    version = logic.register(tracking, USECASE, DIGEST, facts)
    assert (version.model, version.version) == ("flight-delays", "1")
    assert (version.digest, version.run_id) == (DIGEST, "run0")
    (made,) = mlflow.models["flight-delays"]
    tags = {tag["key"]: tag["value"] for tag in made["tags"]}
    figures = facts["evaluation"]
    assert made["source"] == f"oci://models/flight-delays@{DIGEST}"
    assert tags == {
        "digest": DIGEST,
        "lake_version": "flights@0",
        "run_id": "run0",
        **{name: f"{value:.6f}" for name, value in figures["model"].items()},
        **{f"baseline_{name}": f"{value:.6f}" for name, value in figures["baseline"].items()},
    }
    run = mlflow.runs["run0"]
    assert (run["status"], run["tags"]) == ("FINISHED", {"digest": DIGEST, "model_version": "1"})


def test_retried_step_makes_no_second_version(tracking, mlflow, facts):
    """Registering the same run again returns the version it has."""
    first = logic.register(tracking, USECASE, DIGEST, facts)
    assert logic.register(tracking, USECASE, DIGEST, facts) == first
    assert len(mlflow.models["flight-delays"]) == 1


def test_release_moves_the_alias(tracking, facts):
    """After the release the alias champion leads to the version; before, to none."""
    assert tracking.aliased("flight-delays", "champion") is None
    version = logic.register(tracking, USECASE, DIGEST, facts)
    release(tracking, "flight-delays", version.version)
    assert tracking.aliased("flight-delays", "champion") == version


def test_server_without_an_artifact_proxy_is_refused(tracking, mlflow):
    """Artifacts that would go to some folder of the server are refused with the option to set."""
    mlflow.root = "/var/mlruns/"
    with pytest.raises(StepError, match=r"keeps artifacts at /var/mlruns/1/run0/artifacts") as no:
        tracking.upload("run0", {"a": b""})
    assert no.value.remedy.startswith("start it with --serve-artifacts")


def test_absent_server_is_named():
    """A server that does not answer is named with the variable that says where it is."""
    with Tracking("http://127.0.0.1:9") as nowhere, pytest.raises(StepError) as refused:
        nowhere.aliased("m", "champion")
    assert refused.value.cause.startswith("the MLflow server at http://127.0.0.1:9 does not answer")
    assert "MLFLOW_TRACKING_URI" in refused.value.remedy


def test_servers_error_is_passed_on(tracking):
    """What MLflow refuses is shown in its own words."""
    tracking._post(f"{API}/registered-models/create", {"name": "m"})
    with pytest.raises(StepError, match=r"^MLflow answered 404 to .*RESOURCE_ALREADY_EXISTS"):
        tracking._post(f"{API}/registered-models/create", {"name": "m"})
