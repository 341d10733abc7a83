"""Whatever bytes a client sends over gRPC or behind a JSON header, no answer is a server error."""

import json

import grpc
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.config import Limits
from serving.errors import RequestError
from serving.grpc import codec
from serving.grpc.messages import SERVICE, message
from serving.http.binary import HEADER
from serving.http.codec import decode, plain
from serving.models.model import load
from serving.models.scoring import read, score

ModelInferRequest = message("ModelInferRequest")
MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"
LIMITS = Limits(max_rows=8, max_body_bytes=1000)
COLUMNS = (("carrier", "BYTES"), ("hour", "INT64"), ("distance", "FP32"))
GOOD = {
    "carrier": b"\2\0\0\0UA" * 2,
    "hour": (8).to_bytes(8, "little") * 2,
    "distance": bytes(8),
}
SLOW = [HealthCheck.too_slow]
FAULTS = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@st.composite
def mutated(draw, base):
    """Bytes with a few of them replaced, cut out or put in."""
    found = bytearray(base)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(found)))
        end = at + draw(st.integers(0, 3))
        found[at:end] = draw(st.binary(max_size=3))
    return bytes(found)


@st.composite
def bodies(draw):
    """A body near to a good one, with its header and coding."""
    inputs, tail = [], b""
    for name, datatype in COLUMNS:
        data = draw(mutated(GOOD[name]))
        size = draw(st.just(len(data)) | st.integers(-1, 99) | st.floats() | st.booleans())
        parameters = {"binary_data_size": size}
        shape = draw(st.just([2, 1]) | st.lists(st.integers(-1, 3) | st.just(2**62), max_size=3))
        tensor = {"name": name, "datatype": datatype, "shape": shape, "parameters": parameters}
        inputs.append(tensor | draw(st.just({}) | st.just({"data": [1, 2]})))
        tail += data
    asked = draw(st.booleans() | st.text(max_size=3) | st.none())
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": asked}}).encode()
    head = draw(st.just(head) | mutated(head))
    length = draw(st.just(len(head)) | st.integers(-1, 400) | st.text("0123456789-e. ", max_size=5))
    coding = draw(st.sampled_from(["", "", "gzip", "deflate", "br"]))
    return head + tail, str(length), coding


@st.composite
def messages(draw):
    """The bytes of a message near to a good one."""
    message = ModelInferRequest(model_name=draw(st.just(MODEL) | st.text(max_size=3)))
    raw = draw(st.booleans())
    for name, datatype in COLUMNS:
        shape = draw(st.just([2, 1]) | st.lists(st.integers(-2, 3) | st.just(2**62), max_size=3))
        said = draw(st.just(datatype) | st.sampled_from(["FP16", "BF16", "", "INT8"]))
        tensor = message.inputs.add(name=name, datatype=said, shape=shape)
        if raw:
            message.raw_input_contents.append(draw(mutated(GOOD[name])))
        if draw(st.booleans()):
            tensor.contents.bytes_contents.extend(draw(st.lists(st.binary(max_size=3), max_size=2)))
        if not raw and draw(st.booleans()):
            tensor.contents.fp32_contents.extend(
                draw(st.lists(st.floats(width=32), min_size=1, max_size=2))
            )
            tensor.contents.int64_contents.extend(
                draw(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=2))
            )
    for name in draw(st.lists(st.sampled_from(["probability", "other", ""]), max_size=2)):
        message.outputs.add(name=name)
    sent = message.SerializeToString()
    return draw(st.just(sent) | mutated(sent) | st.binary(max_size=50))


@pytest.fixture(scope="module")
def model(make_delays):
    """The small model."""
    return load(MODEL, "1", "sha256:0", make_delays(0).titled())


@pytest.fixture(scope="module")
def server(serve, make_delays):
    """A server with the small model; at its end, no request has crashed."""
    server = serve(make_delays(0), limits={"max_body_bytes": 1024, "max_rows": 8})
    yield server
    assert server.process.poll() is None
    assert server.events("request_crashed") == []


@pytest.fixture(scope="module")
def client(server):
    """A client over HTTP."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


def outcome(model, request_of):
    """200, or the status with which a request is refused."""
    try:
        score(read(model, request_of(), LIMITS))
    except RequestError as error:
        return error.status
    return 200


@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
@given(sent=bodies())
def test_a_binary_body_is_scored_or_refused(model, sent):
    """Any body near to a good one is answered, or refused as the client's fault."""
    body, length, coding = sent
    limit = LIMITS.max_body_bytes
    status = outcome(model, lambda: decode(plain(body, coding, limit), length))
    assert status in {200, 400, 413, 415, 422}


@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
@given(sent=messages())
def test_a_message_is_scored_or_refused(model, sent):
    """Any message that can be parsed is answered, or refused as the client's fault."""
    try:
        message = ModelInferRequest.FromString(sent)
    except Exception:  # noqa: BLE001  # the server's own answer to it is seen below
        return
    assert outcome(model, lambda: codec.read(message)) in {200, 400, 422}


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(sent=bodies())
def test_a_binary_body_over_http_is_never_a_server_error(client, sent):
    """Over HTTP any such body is 200 or a 4xx with the protocol's error object."""
    body, length, coding = sent
    headers = {HEADER: length.strip() or "0"} | ({"content-encoding": coding} if coding else {})
    response = client.post(INFER, content=body, headers=headers)
    assert response.status_code in {200, 400, 413, 415, 422}
    assert response.status_code == 200 or response.json().keys() == {"error"}


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(sent=messages())
def test_a_message_over_grpc_is_never_a_server_error(server, sent):
    """Over gRPC any bytes are answered, or refused with a status of the client's."""
    with grpc.insecure_channel(f"127.0.0.1:{server.config['grpc_port']}") as channel:
        call = channel.unary_unary(f"/{SERVICE}/ModelInfer").future(sent, timeout=30)
        assert call.code() in FAULTS
