"""MLflow's REST API as far as it is asked: paths, a tag, and error codes.

Source: https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

from __future__ import annotations

from typing import Final

API: Final = "/api/2.0/mlflow"
ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts"

MODEL: Final = f"{API}/registered-models/get"
MODEL_TAG: Final = f"{API}/registered-models/set-tag"
ALIAS: Final = f"{API}/registered-models/alias"
VERSION: Final = f"{API}/model-versions/get"

NOTE: Final = "mlflow.note.content"
"""Tag of a run: what its page begins with."""

ABSENT: Final = "RESOURCE_DOES_NOT_EXIST"
PRESENT: Final = "RESOURCE_ALREADY_EXISTS"
UNSET: Final = "INVALID_PARAMETER_VALUE"
"""What is answered for an alias that no version has, too."""
