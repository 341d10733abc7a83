"""Explanations and what is observed, as callers and Prometheus meet them: over the wire."""

import json

import httpx
import numpy as np
import pytest

grpc_client = pytest.importorskip("tritonclient.grpc")
http_client = pytest.importorskip("tritonclient.http")

FEATURES = ["carrier", "hour", "distance"]
ROWS = [("UA", 20, 0.25), ("AA", 9, 1.0)]
EXPLAIN = {"explain": True}
INFER = "/v2/models/flight-delays/infer"


@pytest.fixture(scope="module")
def explained(serve, make_delays, tmp_path_factory):
    """A server with gRPC and a log, whose model has background rows and a reference."""
    files = make_delays(0)
    files.more = {
        "background.json": {"carrier": ["UA", "AA"], "hour": [8, 10], "distance": [None, 0.5]},
        "reference.json": {
            "features": {
                "carrier": {"kind": "category", "missing": 0, "shares": {"UA": 0.6, "AA": 0.4}},
                "hour": {"kind": "numeric", "missing": 0, "quantiles": [5, 23]},
            }
        },
    }
    log = {"url": str(tmp_path_factory.mktemp("log") / "tables"), "flush_seconds": 0.1}
    return serve(files, log=log)


def post(server, request):
    """An infer request's answer."""
    return httpx.post(server.url + INFER, json=request, trust_env=False)


def tensors(kind):
    """The rows as a client's inputs."""
    types = {"carrier": ("BYTES", np.object_), "hour": ("INT64", np.int64)}
    found = []
    for place, name in enumerate(FEATURES):
        datatype, dtype = types.get(name, ("FP32", np.float32))
        tensor = kind.InferInput(name, [len(ROWS), 1], datatype)
        values = [str(row[place]).encode() if name == "carrier" else row[place] for row in ROWS]
        tensor.set_data_from_numpy(np.array(values, dtype).reshape(-1, 1))
        found.append(tensor)
    return found


def test_contributions_add_up_to_the_answer(explained, flights):
    """Two more tensors for each output, and the features' names in a parameter."""
    body = post(explained, flights(*ROWS, parameters=EXPLAIN)).json()
    found = {output["name"]: output for output in body["outputs"]}
    assert {name: (each["datatype"], each["shape"]) for name, each in found.items()} == {
        "probability": ("FP32", [2, 1]),
        "probability.contributions": ("FP64", [2, 3]),
        "probability.base_value": ("FP64", [2]),
    }
    assert json.loads(body["parameters"]["features"]) == FEATURES
    contributions = np.reshape(found["probability.contributions"]["data"], (2, 3))
    total = np.array(found["probability.base_value"]["data"]) + contributions.sum(axis=1)
    np.testing.assert_allclose(total, found["probability"]["data"], rtol=1e-7)


def test_rows_are_explained_by_name(explained):
    """Who asks in rows of named values is answered in them."""
    rows = [dict(zip(FEATURES, row, strict=True)) for row in ROWS]
    body = post(explained, {"rows": rows, "parameters": EXPLAIN}).json()
    first = body["predictions"][0]
    contributions = first["probability.contributions"]
    assert list(contributions) == FEATURES
    total = first["probability.base_value"] + sum(contributions.values())
    assert total == pytest.approx(first["probability"], rel=1e-7)


def test_all_transports_explain_alike(explained, flights):
    """JSON, binary tensors and gRPC carry the same numbers and names."""
    body = post(explained, flights(*ROWS, parameters=EXPLAIN)).json()
    expected = np.reshape(body["outputs"][1]["data"], (2, 3))
    over_grpc = grpc_client.InferenceServerClient(f"127.0.0.1:{explained.config['grpc_port']}")
    over_http = http_client.InferenceServerClient(explained.url.removeprefix("http://"))
    try:
        for client, kind in ((over_grpc, grpc_client), (over_http, http_client)):
            answer = client.infer("flight-delays", tensors(kind), parameters=EXPLAIN)
            found = answer.as_numpy("probability.contributions")
            np.testing.assert_array_equal(found, expected)
            parameters = answer.get_response().parameters if kind is grpc_client else None
            if parameters is not None:
                assert json.loads(parameters["features"].string_param) == FEATURES
    finally:
        over_grpc.close()
        over_http.close()


def test_only_what_was_asked_for_is_explained(explained, flights):
    """Without the parameter nothing is added; with another value of it the request is wrong."""
    for parameters in ({}, {"explain": False}):
        body = post(explained, flights(*ROWS, parameters=parameters)).json()
        assert [output["name"] for output in body["outputs"]] == ["probability"]
    wrong = post(explained, flights(*ROWS, parameters={"explain": 1}))
    assert (wrong.status_code, wrong.json()) == (
        422,
        {"error": "the parameter 'explain' is true or false"},
    )


def test_explained_rows_are_counted(explained, flights, wait_until):
    """Rows and time are in the metrics."""
    name = 'slipway_explanations_total{model="flight-delays"}'
    before = explained.metric(name) or 0
    assert post(explained, flights(*ROWS, parameters=EXPLAIN)).is_success
    wait_until(lambda: explained.metric(name) == before + 2, "the rows' count")
    assert explained.metric('slipway_explanation_duration_seconds_count{model="flight-delays"}')


def test_a_model_without_background_rows_is_served_unexplained(serve, make_delays, flights):
    """It answers; only who asks why is refused."""
    server = serve(make_delays(0))
    assert post(server, flights(*ROWS)).is_success
    refused = post(server, flights(*ROWS, parameters=EXPLAIN))
    assert refused.status_code == 422
    assert "was packaged without background.json" in refused.json()["error"]


def test_a_malformed_background_never_takes_traffic(launch, platform, make_delays, wait_until):
    """The release is refused for it, by name, and the model before stays."""
    platform.release("1", make_delays(0))
    server = launch(platform.address)
    wait_until(lambda: server.serves("1"), "the first model")
    broken = make_delays(1)
    broken.more["background.json"] = {"carrier": ["UA"]}
    platform.release("2", broken)
    labels = 'model="flight-delays",reason="background",slot="champion"'
    name = f"slipway_model_load_failures_total{{{labels}}}"
    wait_until(lambda: server.metric(name), "the refusal")
    assert server.serves("1")


def test_what_was_given_and_said_is_observed(explained, flights, wait_until):
    """From the journal, by the agent, into the metrics that the workers show."""

    def metric(name, **labels):
        text = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        return explained.metric(f"slipway_{name}{{{text}}}") or 0

    model = {"model": "flight-delays"}
    outside = [
        ("feature_out_of_range_total", {"feature": "carrier"}),
        ("feature_out_of_range_total", {"feature": "hour"}),
        ("feature_missing_total", {"feature": "distance"}),
        ("prediction_value_bucket", {"slot": "champion", "output": "probability", "le": "0.05"}),
    ]
    before = [metric(name, **model, **labels) for name, labels in outside]
    assert post(explained, flights(("XX", 2, 0.0), ("XX", 3, None), ("UA", 9, 0))).is_success
    wait_until(
        lambda: (
            [metric(name, **model, **labels) for name, labels in outside]
            == [before[0] + 2, before[1] + 2, before[2] + 1, before[3] + 2]
        ),
        "the counts",
    )
    assert metric("prediction_value_sum", **model, slot="champion", output="probability") > 0
