"""The binary tensor data extension: bodies taken apart, answers put together."""

import gzip
import json

import httpx
import numpy as np
import pytest

from serving.errors import RequestError
from serving.http.binary import HEADER
from serving.http.codec import decode

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"


def body_of(tail=b"", size=None, data=None, name="x"):
    """A body with one input, and what its header says."""
    tensor = {"name": name, "datatype": "FP32", "shape": [1, 1]}
    if size is not None:
        tensor["parameters"] = {"binary_data_size": size}
    if data is not None:
        tensor["data"] = data
    head = json.dumps({"inputs": [tensor]}).encode()
    return head + tail, str(len(head))


def test_inputs_get_the_bytes_behind_the_json_in_their_order():
    """Inputs with a size get their own bytes, those without keep their data."""
    sized = [("a", 3), ("c", 0), ("d", 2)]
    inputs = [
        {"name": name, "datatype": "X", "shape": [], "parameters": {"binary_data_size": size}}
        for name, size in sized
    ]
    inputs.insert(1, {"name": "b", "datatype": "X", "shape": [], "data": [7]})
    head = json.dumps({"inputs": inputs}).encode()
    request = decode(head + b"12345", f" {len(head)} ")
    found = {tensor.name: tensor.data for tensor in request.inputs}
    assert found.pop("b") == [7]
    assert {name: bytes(data) for name, data in found.items()} == {
        "a": b"123",
        "c": b"",
        "d": b"45",
    }


WHOLE = body_of(b"1234", 4)[0]


@pytest.mark.parametrize(
    ("body", "length", "complaint"),
    [
        (WHOLE, "1e3", "'1e3', not a number of bytes"),
        (WHOLE, "-1", "not a number of bytes"),
        (WHOLE, "", "not a number of bytes"),
        (WHOLE, "9" * 30, "not a number of bytes"),
        (WHOLE, "٣", "not a number of bytes"),
        (WHOLE, "4000", "says 4000 bytes, the body has"),
        (WHOLE, "3", "no infer request"),
        (*body_of(b"123", 4), "add up to 4, behind the JSON are 3 bytes"),
        (*body_of(b"12345", 4), "add up to 4, behind the JSON are 5 bytes"),
        (*body_of(b"1234"), "add up to 0, behind the JSON are 4 bytes"),
        (*body_of(b"1234", -4), "binary_data_size of input 'x' is not a number of bytes"),
        (*body_of(b"1234", 4.0), "is not a number of bytes"),
        (*body_of(b"1", size=True), "is not a number of bytes"),
        (*body_of(b"1234", 4, [1.0]), "has `data` and binary_data_size"),
        (b'{"rows":[{}]}1', "13", "add up to 0, behind the JSON are 1 bytes"),
    ],
)
def test_what_does_not_add_up_is_400(body, length, complaint):
    """A header or a size that is not what the body has is refused in one line."""
    with pytest.raises(RequestError, match=complaint) as caught:
        decode(body, length)
    assert caught.value.status == 400
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def client(serve, make_delays):
    """A client of a server with the small model."""
    with httpx.Client(base_url=serve(make_delays(0)).url, trust_env=False, timeout=30) as client:
        yield client


def test_answers_are_bytes_where_they_are_asked_for(client, flights):
    """An output's own wish counts before the request's; the header says where the bytes begin."""
    for outer, own, binary in (
        (True, None, 1),
        (True, False, 0),
        (False, True, 1),
        (None, None, 0),
    ):
        request = flights(("UA", 8, 0.25))
        request["parameters"] = {} if outer is None else {"binary_data_output": outer}
        parameters = {} if own is None else {"parameters": {"binary_data": own}}
        request["outputs"] = [{"name": "probability"} | parameters]
        response = client.post(INFER, json=request)
        assert (HEADER in response.headers) == bool(binary)
        if binary:
            size = int(response.headers[HEADER])
            assert response.headers["content-type"] == "application/octet-stream"
            (output,) = json.loads(response.content[:size])["outputs"]
            values = np.frombuffer(response.content[size:], "<f4")
            assert output["parameters"] == {"binary_data_size": 4}
            assert "data" not in output
        else:
            values = response.json()["outputs"][0]["data"]
        np.testing.assert_allclose(values, [0.83], rtol=1e-6)


def test_compressed_bodies_and_answers(client, flights):
    """A gzip body is read, and a long answer compressed for who accepts it."""
    rows = flights(*[("UA", 8, 0.25)] * 3000)
    packed = gzip.compress(json.dumps(rows).encode())
    headers = {"content-encoding": "gzip", "accept-encoding": "gzip"}
    response = client.post(INFER, content=packed, headers=headers)
    assert (response.status_code, response.headers["content-encoding"]) == (200, "gzip")
    assert int(response.headers["content-length"]) < 1000
    np.testing.assert_allclose(response.json()["outputs"][0]["data"], [0.83] * 3000, rtol=1e-6)
    plain = client.post(INFER, json=rows, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json()["outputs"] == response.json()["outputs"]
    bomb = client.post(INFER, content=gzip.compress(bytes(10**8)), headers=headers)
    assert (bomb.status_code, bomb.json().keys()) == (413, {"error"})
