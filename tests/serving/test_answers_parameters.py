"""What an answer says of itself and of its outputs, in each form."""

import json

import numpy as np
import pytest

from serving.grpc.codec import write
from serving.http.binary import HEADER
from serving.http.codec import encode
from serving.inference.response import InferResponse, Output
from serving.models.model import load
from serving.models.slots import Slot
from serving.protocol.datatypes import BY_NAME
from serving.protocol.messages import InferRequest

FEATURES = '["carrier","hour"]'
SAID = {
    "logged": (False, "bool_param"),
    "count": (-1, "int64_param"),
    "large": (2**63, "uint64_param"),
    "share": (0.5, "double_param"),
    "word": ("a", "string_param"),
}


@pytest.fixture(scope="module")
def answer(make_delays):
    """An answer with an output of the model's, and one about it."""
    model = load("flight-delays", "1", "sha256:0", make_delays(0).titled())
    number = BY_NAME["FP32"]
    own = Output("probability", number, np.ones((2, 1), "f4"), {"asked": True})
    more = Output(
        "probability.contributions", BY_NAME["FP64"], np.ones((2, 2)), {"features": FEATURES}
    )
    said = {name: value for name, (value, _) in SAID.items()}
    return InferResponse(model, Slot.CHAMPION, "q", 2, [own, more], said)


@pytest.mark.parametrize("binary", [False, True])
def test_over_http(answer, binary):
    """The answer's own parameters are told; what the caller asked with is not told back."""
    request = InferRequest(inputs=[], parameters={"binary_data_output": binary})
    body, headers = encode(request, answer, None)
    found = json.loads(body[: int(dict(headers).get(HEADER, len(body)))])
    assert found["parameters"] == answer.parameters
    sizes = ({"binary_data_size": 8}, {"binary_data_size": 32}) if binary else ({}, {})
    own, more = found["outputs"]
    assert own.get("parameters", {}) == sizes[0]
    assert more["parameters"] == {"features": FEATURES} | sizes[1]
    assert ("data" in more) is not binary


@pytest.mark.parametrize("raw", [False, True])
def test_over_grpc(answer, raw):
    """The same over gRPC, each value as the parameter of its type."""
    message = write(answer, raw=raw)
    found = {
        name: (getattr(value, kind), kind)
        for name, value in message.parameters.items()
        for kind in [value.WhichOneof("parameter_choice")]
    }
    assert found == SAID
    own, more = message.outputs
    assert not own.parameters
    assert more.parameters["features"].string_param == FEATURES


def test_what_is_no_parameter_over_grpc_is_json(answer):
    """What is neither a number, a text nor a truth value is told as JSON text."""
    said = {"list": [1, "a"], "none": None}
    told = InferResponse(answer.model, answer.slot, "q", 2, [], said)
    message = write(told, raw=False)
    found = {name: json.loads(each.string_param) for name, each in message.parameters.items()}
    assert found == said
