"""The server's description of itself: true, complete, and kept to whatever it is asked."""

import re

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.config import ApiKey, Config
from serving.http.openapi import document
from serving.http.routes import Kind, parse
from serving.middleware.api_keys import make_key

MODEL = "flight-delays"
MODES = ("positive", "negative")


@pytest.fixture(scope="module")
def server(serve, make_delays, tmp_path_factory):
    """A server with the small model and a prediction log; at its end, no request has crashed."""
    server = serve(make_delays(0), log={"url": str(tmp_path_factory.mktemp("tables"))})
    yield server
    assert server.process.poll() is None
    assert server.events("request_crashed") == []


@pytest.fixture(scope="module")
def client(server):
    """A client of it."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def described(client):
    """What the server says of itself."""
    return client.get("/v2/openapi.json").json()


def test_every_path_is_described(described):
    """The document has each kind of path that the server knows, and no other."""
    filled = [path.format(model=MODEL, version="1") for path in described["paths"]]
    kinds = {parse(path).kind for path in filled}
    assert kinds == set(Kind) - {Kind.UNKNOWN}
    for path, operations in zip(filled, described["paths"].values(), strict=True):
        assert operations.keys() - {"parameters"} == {parse(path).method.lower()}


def test_each_example_can_be_sent_as_it_is(client, described):
    """The model's own example is scored, as a row and as tensors, to the same answer."""
    infer = described["paths"]["/v2/models/{model}/infer"]["post"]
    examples = infer["requestBody"]["content"]["application/json"]["examples"]
    rows, tensors = (
        client.post(f"/v2/models/{MODEL}/infer", json=examples[name]["value"])
        for name in ("rows", "tensors")
    )
    assert (rows.status_code, tensors.status_code) == (200, 200)
    (row,) = rows.json()["predictions"]
    assert [row["probability"]] == tensors.json()["outputs"][0]["data"]


def test_rows_are_described_by_the_models_inputs(described):
    """A row has the model's inputs, their types and bounds; a missing number may be left out."""
    row = described["components"]["schemas"]["Row"]
    assert {name: each["type"] for name, each in row["properties"].items()} == {
        "carrier": "string",
        "hour": "integer",
        "distance": ["number", "null"],
    }
    assert row["properties"]["hour"]["minimum"] == -(2**63)
    assert (row["required"], row["additionalProperties"]) == (["carrier", "hour"], False)


def test_what_inputs_and_outputs_mean_is_described(make_delays, serve):
    """Words, unit, known values and an example of each, as the model's signature has them."""
    files = make_delays(0)
    carrier, _, distance = files.signature["inputs"]
    carrier |= {"description": "who flies", "values": ["AA", "UA"]}
    distance |= {"description": "how far", "unit": "miles"}
    files.signature["outputs"][0]["description"] = "how probable a delay is"
    url = serve(files).url
    found = httpx.get(f"{url}/v2/openapi.json", trust_env=False).json()["components"]["schemas"]
    row = found["Row"]["properties"]
    assert row["carrier"]["description"] == "who flies; known values: AA, UA"
    assert row["distance"]["description"] == "how far (miles)"
    assert "description" not in row["hour"]
    assert row["carrier"]["examples"] == ["UA"]
    assert "enum" not in row["carrier"]
    answer = found["Prediction"]["properties"]["probability"]
    assert answer["description"] == "how probable a delay is"
    assert found["RowsResponse"]["properties"]["predictions"]["items"] == {
        "$ref": "#/components/schemas/Prediction"
    }
    names = [tensor["properties"]["name"] for tensor in tensors(found)]
    assert names[0] == {"const": "carrier", "description": row["carrier"]["description"]}
    about = httpx.get(f"{url}/v2/models/{MODEL}", trust_env=False).json()
    assert set(about["inputs"][0]) == {"name", "datatype", "shape"}


def tensors(schemas):
    """The schemas of a request's tensors."""
    return schemas["TensorsRequest"]["properties"]["inputs"]["items"]["oneOf"]


def test_the_page_shows_what_a_row_and_a_prediction_have(client, described):
    """Where they are asked for, not only in the list of schemas."""
    page = client.get("/docs").text
    assert {"Row", "Prediction"} <= described["components"]["schemas"].keys()
    assert '["A row of named values", "Row"], ["A prediction", "Prediction"]' in page


def test_keys_are_described_where_there_are_any():
    """What wants a key says so; without a model the protocol's general form is described."""
    _, digest = make_key()
    for keys in ((), (ApiKey("one", digest),)):
        config = Config(1, "http://x", "x:1", MODEL, "", api_keys=keys)
        found = document(config, None)
        assert ("securitySchemes" in found["components"]) == bool(keys)
        assert ("security" in found["paths"]["/v2/feedback"]["post"]) == bool(keys)
        assert "rows" in found["components"]["schemas"]["InferRequest"]["properties"]


def test_the_page_needs_nothing_from_elsewhere(client):
    """The page loads no script, style or font of others, and its policy forbids that."""
    response = client.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert re.findall(r"https?://|//[a-z]+\.|\bsrc=|@import|url\(", response.text) == []


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_described_is_kept_to(server, described, mode, data):
    """Requests made from the document, fit or not, get an answer it describes, never a 5xx."""
    schemathesis = pytest.importorskip("schemathesis")
    schema = schemathesis.openapi.from_dict(described)
    operations = [found.ok() for found in schema.get_all_operations()]
    operation = data.draw(st.sampled_from(operations), label="operation")
    generation = schemathesis.GenerationMode(mode)
    case = data.draw(operation.as_strategy(generation_mode=generation), label="case")
    checks = schemathesis.specs.openapi.checks
    case.call_and_validate(
        base_url=server.url,
        checks=[
            schemathesis.checks.not_a_server_error,
            checks.status_code_conformance,
            checks.content_type_conformance,
            checks.response_schema_conformance,
        ],
    )
