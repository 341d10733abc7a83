"""Whatever a client sends, the answer is the protocol's and never a server error."""

import json
import string
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.config import Limits
from serving.errors import RequestError
from serving.models.model import load
from serving.models.scoring import read, score
from serving.protocol.messages import decode_request

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"
DIGEST = "sha256:" + "0" * 64
LIMITS = Limits(max_rows=8)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_DATATYPES = st.sampled_from(
    ["BOOL", "INT8", "INT64", "UINT8", "UINT64", "FP16", "FP32", "FP64", "BYTES", "fp32", ""]
)
_SHAPES = st.lists(st.integers(-1, 4) | st.sampled_from([2**31, 2**63, 2**70]), max_size=3)
_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
_DATA = st.lists(_VALUES | st.lists(_VALUES, max_size=3), max_size=4) | _JSON
_TENSORS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["carrier", "hour", "distance", "other", ""]),
        "datatype": _DATATYPES,
        "shape": _SHAPES,
        "data": _DATA,
    },
    optional={"parameters": _JSON},
)
_REQUESTS = st.fixed_dictionaries(
    {"inputs": st.lists(_TENSORS, max_size=4) | _JSON},
    optional={
        "id": _JSON,
        "parameters": _JSON,
        "outputs": st.lists(st.fixed_dictionaries({"name": st.text(max_size=3)})) | _JSON,
    },
)


@st.composite
def _near_misses(draw):
    """A good request with one value of it replaced."""
    request = {
        "inputs": [
            {"name": "carrier", "datatype": "BYTES", "shape": [2, 1], "data": ["UA", "AA"]},
            {"name": "hour", "datatype": "INT64", "shape": [2, 1], "data": [8, 9]},
            {"name": "distance", "datatype": "FP32", "shape": [2, 1], "data": [0.25, None]},
        ]
    }
    tensor = request["inputs"][draw(st.integers(0, 2))]
    key = draw(st.sampled_from(["name", "datatype", "shape", "data"]))
    kinds = {"name": st.text(), "datatype": _DATATYPES, "shape": _SHAPES, "data": _DATA}
    tensor[key] = draw(kinds[key] | _JSON)
    return request


_BODIES = st.one_of(
    st.binary(max_size=200),
    _JSON.map(json.dumps).map(str.encode),
    _REQUESTS.map(json.dumps).map(str.encode),
    _near_misses().map(json.dumps).map(str.encode),
)


@pytest.fixture(scope="module")
def model(make_delays):
    """The small model."""
    return load(MODEL, "1", DIGEST, make_delays(0).titled())


@pytest.fixture(scope="module")
def client(launch, make_platform, make_delays, wait_until):
    """A client of a server with the small model; at its end, no request has crashed."""
    platform = make_platform()
    platform.release("1", make_delays(0))
    server = launch(platform.address, limits={"max_body_bytes": 1024, "max_rows": 8})
    wait_until(lambda: server.serves("1"), "version 1")
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client
    assert server.process.poll() is None
    assert server.events("request_crashed") == []


@settings(max_examples=500, deadline=None)
@given(body=_BODIES)
def test_a_body_is_scored_or_refused(model, body):
    """Any body is either answered whole or refused with a status of the client's."""
    refusal = None
    try:
        job = read(model, decode_request(body), LIMITS)
        results = score(job)
    except RequestError as error:
        refusal = error
    if refusal is None:
        assert 1 <= job.rows <= 8
        assert results["probability"].shape == (job.rows, 1)
    else:
        assert refusal.status in {400, 422}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=_BODIES)
def test_a_body_over_http_is_never_a_server_error(client, body):
    """Over HTTP any body is 200 or a 4xx with the protocol's error object."""
    response = client.post(INFER, content=body)
    assert response.status_code in {200, 400, 413, 422}
    assert response.status_code == 200 or response.json().keys() == {"error"}


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "PATCH"]),
    path=st.lists(
        st.sampled_from(["v2", "models", MODEL, "versions", "1", "infer", "ready", "health"])
        | st.text(string.printable, max_size=5)
        | st.text(max_size=5),
        max_size=7,
    ),
)
def test_a_path_is_never_a_server_error(client, method, path):
    """Any method on any path is answered, with a status of the client's or a success."""
    base = str(client.base_url).rstrip("/")
    response = client.request(method, f"{base}/{quote('/'.join(path), safe='/')}")
    assert response.status_code in {200, 400, 404, 405}
