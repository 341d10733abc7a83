"""Asking MLflow what a model's aliases and tags say, and where a version is."""

import httpx
import pytest

from serving.agent.releases.mlflow import MlflowRegistry, RegisteredModel, TrackingError

ERRORS = [
    httpx.Response(500, json={"error_code": "INTERNAL_ERROR"}),
    httpx.Response(404, text="<html>a proxy</html>"),
    httpx.Response(403, json={"error_code": "PERMISSION_DENIED"}),
    httpx.Response(200, text="<html>"),
    httpx.Response(200, json={"registered_model": {"aliases": "none"}}),
    httpx.Response(200, json={"model_version": {"version": 7}}),
    httpx.Response(302),
]


def asked(handler):
    """MLflow as a function from request to response."""
    client = httpx.Client(transport=httpx.MockTransport(handler))
    return MlflowRegistry(client, "http://mlflow:5000/", "flight delays")


def test_one_call_tells_aliases_and_tags():
    """One GET of MLflow's REST API names the model; its aliases and tags are taken."""
    asked_for = []

    def answer(request):
        asked_for.append((request.url.path, dict(request.url.params)))
        found = {
            "name": "flight delays",
            "creation_timestamp": "17",
            "aliases": [{"alias": "champion", "version": "7"}, {"alias": "b", "version": "9"}],
            "tags": [{"key": "k", "value": "v"}, {"key": "bare"}],
            "latest_versions": [],
        }
        return httpx.Response(200, json={"registered_model": found})

    expected = RegisteredModel(17, {"champion": "7", "b": "9"}, {"k": "v", "bare": ""})
    assert asked(answer).registered_model() == expected
    path = "/api/2.0/mlflow/registered-models/get"
    assert asked_for == [(path, {"name": "flight delays"})]


def test_a_version_is_asked_for_its_source():
    """One GET names model and version; the source is taken."""
    asked_for = []

    def answer(request):
        asked_for.append((request.url.path, dict(request.url.params)))
        return httpx.Response(200, json={"model_version": {"source": "oci://m@sha256:0"}})

    assert asked(answer).source("7") == "oci://m@sha256:0"
    path = "/api/2.0/mlflow/model-versions/get"
    assert asked_for == [(path, {"name": "flight delays", "version": "7"})]


def test_a_model_that_is_not_registered_has_no_aliases():
    """MLflow's way to say that there is no such model is not an error."""
    answer = httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"})
    assert asked(lambda _: answer).registered_model() == RegisteredModel()


def test_a_model_without_any_alias_or_tag_has_none():
    """MLflow leaves empty lists out of its answers."""
    answer = httpx.Response(200, json={"registered_model": {"name": "m"}})
    assert asked(lambda _: answer).registered_model() == RegisteredModel()


@pytest.mark.parametrize("answer", ERRORS)
def test_any_other_answer_is_an_error(answer):
    """What is not MLflow's own yes or no is trouble, never 'no release'."""
    with pytest.raises(TrackingError, match="registered-models/get"):
        asked(lambda _: answer).registered_model()
    with pytest.raises(TrackingError, match="model-versions/get"):
        asked(lambda _: answer).source("7")


def test_a_version_that_is_gone_is_an_error():
    """An alias that names a missing version is trouble, and not an empty source."""
    answer = httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST"})
    with pytest.raises(TrackingError, match="answered 404"):
        asked(lambda _: answer).source("7")


def test_no_answer_is_an_error():
    """A server that cannot be reached is trouble."""

    def refuse(request):
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(TrackingError, match="refused"):
        asked(refuse).registered_model()
