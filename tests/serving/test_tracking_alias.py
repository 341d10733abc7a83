"""Asking MLflow which release an alias names."""

import httpx
import pytest

from serving.agent.tracking import Mlflow, TrackingError
from serving.cache import Release


def asked(handler):
    """MLflow as a function from request to response."""
    client = httpx.Client(transport=httpx.MockTransport(handler))
    return Mlflow(client, "http://mlflow:5000/", "flight delays", "champion")


def test_the_alias_is_asked_for_by_name():
    """One GET of MLflow's REST API names model and alias; version and source are taken."""
    asked_for = []

    def answer(request):
        asked_for.append((request.url.path, dict(request.url.params)))
        found = {"name": "m", "version": "7", "source": "oci://m@sha256:0", "tags": []}
        return httpx.Response(200, json={"model_version": found})

    assert asked(answer).release() == Release("7", "oci://m@sha256:0")
    path = "/api/2.0/mlflow/registered-models/alias"
    assert asked_for == [(path, {"name": "flight delays", "alias": "champion"})]


@pytest.mark.parametrize(
    ("status", "code"), [(404, "RESOURCE_DOES_NOT_EXIST"), (400, "INVALID_PARAMETER_VALUE")]
)
def test_a_missing_model_or_alias_is_no_release(status, code):
    """MLflow's two ways to say that there is none are not errors."""
    answer = httpx.Response(status, json={"error_code": code, "message": "not found"})
    assert asked(lambda _: answer).release() is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, json={"error_code": "INTERNAL_ERROR"}),
        httpx.Response(404, text="<html>a proxy</html>"),
        httpx.Response(403, json={"error_code": "PERMISSION_DENIED"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"model_version": {"version": 7}}),
        httpx.Response(302),
    ],
)
def test_any_other_answer_is_an_error(answer):
    """What is not MLflow's own yes or no is trouble, never 'no release'."""
    with pytest.raises(TrackingError, match="registered-models/alias"):
        asked(lambda _: answer).release()


def test_no_answer_is_an_error():
    """A server that cannot be reached is trouble."""

    def refuse(request):
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(TrackingError, match="refused"):
        asked(refuse).release()
