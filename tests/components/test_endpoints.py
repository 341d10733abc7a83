"""Reading the environment."""

from __future__ import annotations

import pytest

from components import endpoints
from usecases.errors import StepError

VARIABLES = {
    "SLIPWAY_LAKE": endpoints.lake,
    "MLFLOW_TRACKING_URI": endpoints.tracking,
    "SLIPWAY_REGISTRY": endpoints.registry,
}


@pytest.mark.parametrize("name", VARIABLES)
def test_each_service_is_where_its_variable_says(name, monkeypatch):
    """A variable that is set is what its function returns."""
    monkeypatch.setenv(name, "http://here")
    assert VARIABLES[name]() == "http://here"


@pytest.mark.parametrize("name", VARIABLES)
def test_missing_variable_is_named(name, monkeypatch):
    """A variable that is not set is refused by its name, with how it gets set."""
    monkeypatch.delenv(name, raising=False)
    with pytest.raises(StepError) as refused:
        VARIABLES[name]()
    assert refused.value.cause == f"the environment variable {name} is not set"
    assert "slipway run" in refused.value.remedy
