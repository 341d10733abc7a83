"""The Open Inference Protocol over HTTP, held by a server in a process of its own."""

import json
import re
import socket

import httpx
import psutil
import pytest

from serving.errors import Refusal

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"


@pytest.fixture(scope="module")
def platform_of_module(make_platform, make_delays):
    """A platform with one version live."""
    platform = make_platform()
    platform.release("3", make_delays(0))
    return platform


@pytest.fixture(scope="module")
def server(launch, platform_of_module, wait_until):
    """A server that serves version 3."""
    limits = {"max_body_bytes": 100_000, "max_rows": 100}
    server = launch(platform_of_module.address, limits=limits)
    wait_until(lambda: server.serves("3"), "version 3")
    return server


@pytest.fixture(scope="module")
def client(server):
    """A client of the server."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def empty(launch, make_platform, wait_until):
    """A client of a server without a model."""
    server = launch(make_platform().address)
    missing = "has the alias 'champion' yet"
    ready = f"{server.url}/v2/health/ready"
    wait_until(lambda: missing in httpx.get(ready, trust_env=False).text, "a look at the alias")
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


def score(response):
    """The outputs of a good answer, by name."""
    assert response.status_code == 200, response.text
    return {output["name"]: output["data"] for output in response.json()["outputs"]}


def refused(response, status, complaint):
    """Hold that a response is the protocol's error with this status and words."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json().keys() == {"error"}
    assert complaint in response.json()["error"]


def test_server_metadata(client):
    """The server names itself, its version and the extensions it has."""
    body = client.get("/v2").json()
    assert (body["name"], body["extensions"], sorted(body)) == (
        "slipway",
        ["binary_tensor_data"],
        ["extensions", "name", "version"],
    )


@pytest.mark.parametrize("path", ["", "/versions/3"])
def test_model_metadata(client, platform_of_module, path):
    """The model's inputs and outputs are the signature's, with and without its version."""
    assert client.get(f"/v2/models/{MODEL}{path}").json() == {
        "name": MODEL,
        "versions": ["3"],
        "platform": "onnx_onnxruntime",
        "inputs": [
            {"name": "carrier", "datatype": "BYTES", "shape": [-1, 1]},
            {"name": "hour", "datatype": "INT64", "shape": [-1, 1]},
            {"name": "distance", "datatype": "FP32", "shape": [-1, 1]},
        ],
        "outputs": [{"name": "probability", "datatype": "FP32", "shape": [-1, 1]}],
        "parameters": {"digest": platform_of_module.versions["3"].partition("@")[2]},
    }


def test_health_with_a_model(client):
    """Live, ready and model ready are 200 with a body that says so."""
    answers = {
        path: (response.status_code, response.json())
        for path in ("/v2/health/live", "/v2/health/ready", f"/v2/models/{MODEL}/ready")
        for response in [client.get(path)]
    }
    assert answers == {
        "/v2/health/live": (200, {"live": True}),
        "/v2/health/ready": (200, {"ready": True}),
        f"/v2/models/{MODEL}/ready": (200, {"name": MODEL, "ready": True}),
    }


def test_slots(client, empty):
    """Which version is in each slot: the champion's alone, and none on an empty server."""
    for each, version in ((client, "3"), (empty, "")):
        answer = each.get("/v2/slots").json()
        slots = {slot["slot"]: (slot["version"], slot["refused"]) for slot in answer["slots"]}
        assert answer["model"] == MODEL
        assert slots == {
            "champion": (version, None),
            "challenger": ("", None),
            "shadow": ("", None),
        }


def test_health_without_a_model(empty):
    """Without a model the server lives and is not ready, with the reason."""
    reason = {"error": f"no version of {MODEL!r} has the alias 'champion' yet"}
    answers = {
        path: (response.status_code, response.json())
        for path in ("/v2/health/live", "/v2/health/ready", f"/v2/models/{MODEL}/ready")
        for response in [empty.get(path)]
    }
    assert answers == {
        "/v2/health/live": (200, {"live": True}),
        "/v2/health/ready": (503, {"ready": False} | reason),
        f"/v2/models/{MODEL}/ready": (503, {"name": MODEL, "ready": False} | reason),
    }


def test_requests_without_a_model(empty, flights):
    """Without a model, infer and model metadata are 503 with the reason; the rest works."""
    refused(empty.post(INFER, json=flights(("UA", 8, 0.25))), 503, "has the alias 'champion' yet")
    refused(empty.get(f"/v2/models/{MODEL}"), 503, "has the alias 'champion' yet")
    assert empty.get("/v2").status_code == 200
    assert "slipway_model_ready" in empty.get("/metrics").text
    refused(empty.get("/v2/models/other"), 404, "unknown model")


@pytest.mark.parametrize("path", [INFER, f"/v2/models/{MODEL}/versions/3/infer"])
def test_infer(client, flights, path):
    """Rows are scored in order, and the answer says which model did it."""
    rows = [("UA", 8, 0.25), ("AA", 100, None), ("", -1, 1)]
    response = client.post(path, json=flights(*rows))
    assert response.status_code == 200
    body = response.json()
    data = body["outputs"][0].pop("data")
    assert data == pytest.approx([0.83, 1.0, 0.99], abs=1e-6)
    assert len(body.pop("id")) > 16
    assert body == {
        "model_name": MODEL,
        "model_version": "3",
        "outputs": [{"name": "probability", "datatype": "FP32", "shape": [3, 1]}],
    }


def test_id_parameters_outputs_and_unknown_fields(client, flights):
    """The id comes back; parameters and fields of extensions are let through."""
    request = flights(
        ("UA", 8, 0.25),
        id="a \u2708",
        parameters={"binary_data_output": True},
        outputs=[{"name": "probability", "parameters": {"binary_data": False}}],
        extension={"x": 1},
    )
    response = client.post(INFER, json=request)
    assert response.json()["id"] == "a \u2708"
    assert score(response)["probability"] == pytest.approx([0.83])


def test_inputs_in_any_order_and_an_empty_list_of_outputs(client, flights):
    """Inputs are named, so their order is free; no outputs means all."""
    request = flights(("UA", 8, 0.25), outputs=[])
    request["inputs"].reverse()
    assert score(client.post(INFER, json=request))["probability"] == pytest.approx([0.83])


def test_a_long_request_is_scored(client, flights):
    """A request that is scored beside the event loop has the same answer."""
    rows = [("UA" + " " * 400, hour, 0) for hour in range(100)]
    request = flights(*rows)
    assert len(json.dumps(request)) > 32 * 1024
    expected = [hour / 100 for hour in range(100)]
    assert score(client.post(INFER, json=request))["probability"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"inputs": []}, "missing inputs: ['carrier', 'hour', 'distance']"),
        ({"outputs": [{"name": "score"}]}, "unknown outputs ['score']"),
        ({"outputs": [{"name": "probability"}] * 2}, "asked for twice"),
    ],
)
def test_an_unfit_request_is_422(client, flights, change, complaint):
    """What does not fit the model is 422; `test_tensors` has the cases of single inputs."""
    refused(client.post(INFER, json=flights(("UA", 8, 0.25)) | change), 422, complaint)


def test_too_many_rows_are_422(client, flights):
    """More rows than the limit are refused with the limit."""
    response = client.post(INFER, json=flights(*[("UA", 8, 0.25)] * 101))
    refused(response, 422, "1 to 100 rows, this one has 101")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"null", "Expected `object`, got `null`"),
        (b"{}", "neither `inputs` nor `rows`"),
        (b'{"inputs": [{"name": "hour"}]}', "missing required field"),
        (b'{"inputs": [], "id": 7}', "Expected `str | null`, got `int` - at `$.id`"),
        (b'{"inputs": [], "id": "\xff"}', "codec can't decode"),
        (b'{"inputs": NaN}', "malformed"),
        (b"[" * 50_000, "Expected `object`"),
        (b'{"inputs": [], "parameters": {"a": ' + b"[" * 50_000, "nested too deeply"),
        (
            b'{"inputs": [{"name": "a", "datatype": "b", "shape": [-1], "data": []}]}',
            "at `$.inputs[0].shape[0]`",
        ),
    ],
)
def test_a_malformed_body_is_400(client, body, complaint):
    """What is not a request of the protocol is 400 and says where."""
    refused(client.post(INFER, content=body), 400, complaint)


def test_a_body_beyond_the_limit_is_413(client):
    """A longer body is refused, whether it says its length or comes in chunks."""
    refused(client.post(INFER, content=b" " * 100_001), 413, "longer than 100000 bytes")
    refused(client.post(INFER, content=(b" " * 50_000 for _ in range(3))), 413, "longer than")


def test_a_body_in_chunks_is_read(client, flights):
    """A body without a length is read like any other."""
    body = json.dumps(flights(("UA", 8, 0.25))).encode()
    response = client.post(INFER, content=(body[at : at + 50] for at in range(0, len(body), 50)))
    assert score(response)["probability"] == pytest.approx([0.83])


def test_an_unknown_coding_of_a_body_is_415(client):
    """A body that this server cannot decompress is refused by name, not misread."""
    response = client.post(INFER, content=b"{}", headers={"content-encoding": "br"})
    refused(response, 415, "content-encoding 'br' is not supported")


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/", "no such path"),
        ("/v2/models", "no such path"),
        ("/v2/models/other", f"this server has '{MODEL}'"),
        ("/v2/models/other/ready", "unknown model"),
        (f"/v2/models/{MODEL}/versions/4", "no version '4' here; in service: ['3']"),
        (f"/v2/models/{MODEL}/versions/4/ready", "no version '4' here; in service: ['3']"),
    ],
)
def test_what_is_not_there_is_404(client, path, complaint):
    """Unknown paths, models and versions are 404."""
    refused(client.get(path), 404, complaint)


def test_infer_with_what_is_not_there_is_404(client, flights):
    """An unknown model or version cannot be asked, whatever the body is."""
    for name in ("other", f"{MODEL}/versions/4"):
        response = client.post(f"/v2/models/{name}/infer", json=flights(("UA", 8, 0.25)))
        assert response.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", INFER, "POST"),
        ("PUT", INFER, "POST"),
        ("POST", "/v2", "GET, HEAD"),
        ("DELETE", f"/v2/models/{MODEL}", "GET, HEAD"),
        ("POST", "/metrics", "GET, HEAD"),
        ("OPTIONS", "/v2/health/live", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405(client, method, path, allowed):
    """The methods that a path takes are named in the Allow header."""
    response = client.request(method, path)
    refused(response, 405, f"takes {allowed} only")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        *("/v2", "/v2/health/live", "/v2/health/ready", "/v2/openapi.json", "/docs", "/metrics"),
        *(f"/v2/models/{MODEL}", f"/v2/models/{MODEL}/ready", f"/v2/models/{MODEL}/versions/none"),
        *("/nowhere", "/v2/models/other"),
    ],
)
def test_a_head_is_what_a_get_has_without_its_body(client, path):
    """Status and fields are the same, and the connection goes on."""
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    if path != "/metrics":  # whose length changes
        assert head.headers["content-length"] == got.headers["content-length"]
    assert client.get("/v2/health/live").json() == {"live": True}


@pytest.mark.parametrize("path", [INFER, "/v2/feedback"])
def test_what_is_posted_has_no_head(client, path):
    """As it has no GET."""
    response = client.head(path)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_an_id_may_be_as_long_as_a_label_s(client, flights):
    """What was predicted under an id can be labelled by it; a longer one is refused at once."""
    body = flights(("UA", 8, 0.25))
    longest = "i" * 256
    response = client.post(INFER, json=body | {"id": longest})
    assert (response.status_code, response.json()["id"]) == (200, longest)
    refused(client.post(INFER, json=body | {"id": longest + "i"}), 400, "length <= 256")


def test_a_client_that_hangs_up_harms_nobody(client, server):
    """A request that is cut off leaves the server answering."""
    with socket.create_connection((server.config["host"], server.config["port"])) as cut:
        cut.sendall(f"POST {INFER} HTTP/1.1\r\nhost: a\r\ncontent-length: 99\r\n\r\n{{".encode())
    assert client.get("/v2/health/live").status_code == 200


def test_client_input_never_becomes_a_label(client, server):
    """Whatever paths, models and methods clients send, the series stay a closed set."""
    names = re.compile(r"^\w+", re.MULTILINE)
    before = set(names.findall(client.get("/metrics").text))
    for number in range(50):
        client.get(f"/made-up-{number}")
        client.post(f"/v2/models/made-up-{number}/infer", content=b"{}")
        client.request(f"MADEUP{number}", "/v2")
    text = client.get("/metrics").text
    assert "made-up" not in text.lower()
    assert "MADEUP" not in text
    assert set(names.findall(text)) == before


def test_requests_and_rows_are_counted(client, server, flights):
    """Infer requests are counted by status, with their rows and their time."""
    answered = f'code="200",model="{MODEL}",slot="champion"'
    names = {
        "good": f"slipway_inference_requests_total{{{answered}}}",
        "bad": f'slipway_inference_requests_total{{code="400",model="{MODEL}",slot="none"}}',
        "rows": f'slipway_inference_rows_total{{model="{MODEL}",slot="champion"}}',
        "timed": f"slipway_inference_duration_seconds_count{{{answered}}}",
    }
    client.post(INFER, json=flights(("UA", 8, 0.25)))
    client.post(INFER, content=b"{")
    before = {key: server.metric(name) for key, name in names.items()}
    client.post(INFER, json=flights(*[("UA", 8, 0.25)] * 5))
    client.post(INFER, content=b"{")
    after = {key: server.metric(name) - before[key] for key, name in names.items()}
    assert after == {"good": 1, "bad": 1, "rows": 5, "timed": 1}


def test_refusals_are_counted_by_what_was_wrong(client, server, flights):
    """Each by one word of a closed set; what a release can bring about has a word of its own."""

    def counted():
        name = f'slipway_inference_refusals_total{{model="{MODEL}",reason='
        return {each: server.metric(f'{name}"{each}"}}') for each in Refusal}

    body = flights(("UA", 8, 0.25))
    first, *rest = body["inputs"]
    refused = {
        Refusal.SIGNATURE: [
            {"inputs": rest},
            {"inputs": [*body["inputs"], {**first, "name": "other"}]},
            {"inputs": [{**first, "datatype": "FP64"}, *rest]},
            {"inputs": [{**first, "shape": [1, 2]}, *rest]},
            {**body, "outputs": [{"name": "other"}]},
            {"rows": [{"other": 1}]},
        ],
        Refusal.VALUES: [{"inputs": [{**first, "data": [None]}, *rest]}],
        Refusal.MALFORMED: [{"inputs": body["inputs"], "rows": []}],
        Refusal.LIMIT: [{"rows": []}],
    }
    before = counted()
    for bodies in refused.values():
        for each in bodies:
            assert client.post(INFER, json=each).status_code in {400, 422}
    client.post("/v2/models/other/infer", json=body)
    after = counted()
    expected = {each: len(refused.get(each, ())) for each in Refusal} | {Refusal.ABSENT: 1}
    assert {each: after[each] - before[each] for each in Refusal} == expected


def test_the_usual_process_metrics_are_there(server):
    """Memory, CPU time, files and start time are exposed by their usual names."""
    main = psutil.Process(server.process.pid)
    processes = [main, *main.children(recursive=True)]
    assert any("serving.agent" in process.cmdline() for process in processes)
    held = sum(process.memory_info().rss for process in processes)
    assert server.metric("process_resident_memory_bytes") == pytest.approx(held, rel=0.1)
    assert server.metric("process_cpu_seconds_total") > 0
    assert server.metric("process_open_fds") < server.metric("process_max_fds")
    assert server.metric("process_start_time_seconds") > 1_600_000_000


def test_every_datatype_goes_through(launch, make_platform, mirror_files, samples, wait_until):
    """A request of all datatypes comes back unchanged, in any JSON form, output by output."""
    platform = make_platform()
    platform.release("1", mirror_files)
    server = launch(platform.address)
    wait_until(lambda: server.serves("1"), "the mirror")
    request = {
        "inputs": [
            {"name": f"in_{name}", "datatype": name, "shape": [2, 2], "data": [values, values]}
            for name, values in samples.items()
        ]
    }
    response = httpx.post(server.url + INFER, json=request, trust_env=False)
    expected = {f"out_{name}": values * 2 for name, values in samples.items()}
    assert score(response) == expected
    request["outputs"] = [{"name": "out_BYTES"}, {"name": "out_INT8"}]
    response = httpx.post(server.url + INFER, json=request, trust_env=False)
    assert [output["name"] for output in response.json()["outputs"]] == ["out_BYTES", "out_INT8"]
