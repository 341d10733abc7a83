"""Names in MLflow that all tenants share."""

import os

import pytest

from components.tracking import Tracking


def released(mlflow) -> None:
    """A run with a registered version that is champion."""
    with Tracking(os.environ["MLFLOW_TRACKING_URI"]) as tracking:
        run = tracking.start_run("flights", "training", {})
        made = tracking.register("delays", run, "oci://models/delays", {}, "")
        tracking.set_alias("delays", "champion", made.version)
        assert tracking.aliased("delays", "champion").run_id == run
        assert tracking.register("delays", run, "oci://models/delays", {}, "") == made


@pytest.mark.parametrize(
    ("tenant", "experiments", "models"),
    [("red", ["red/flights"], ["red-delays"]), ("", ["flights"], ["delays"])],
)
def test_a_tenants_experiments_and_models_bear_its_name(
    mlflow, monkeypatch, tenant, experiments, models
):
    """Its release never becomes another's champion; without a tenant names are as given."""
    monkeypatch.setenv("SLIPWAY_TENANT", tenant)

    released(mlflow)

    assert list(mlflow.experiments) == experiments
    assert list(mlflow.models) == models
    assert list(mlflow.aliases) == [(models[0], "champion")]
