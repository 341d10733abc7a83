"""Whatever a model takes, all ways to ask it answer the same."""

import asyncio
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, helper
from prometheus_client import CollectorRegistry

from serving.config import Config
from serving.explanation.explainer import Explainer
from serving.grpc import codec, contents
from serving.grpc.messages import ModelInferResponse, message
from serving.http.binary import HEADER
from serving.http.codec import decode, encode
from serving.inference.engine import Call, Engine
from serving.metrics.server import Metrics
from serving.middleware.admission import Admission
from serving.models.model import load
from serving.models.slots import Placement
from serving.protocol.datatypes import BY_NAME
from serving.protocol.raw import read_raw, write_raw

ModelInferRequest = message("ModelInferRequest")
MODEL = "m"
ONNX = {
    datatype.name: TensorProto.DataType.Value(
        {"FLOAT32": "FLOAT", "FLOAT64": "DOUBLE", "OBJECT": "STRING"}.get(
            datatype.numpy.name.upper(), datatype.numpy.name.upper()
        )
    )
    for datatype in BY_NAME.values()
}
ROWS = 3


@st.composite
def signatures(draw):
    """Names, datatypes and inner shapes of one to three inputs."""
    count = draw(st.integers(1, 3))
    return [
        (
            f"x{place}",
            draw(st.sampled_from(list(BY_NAME))),
            draw(st.lists(st.integers(1, 3), max_size=2)),
        )
        for place in range(count)
    ]


def elements(datatype):
    """Values that JSON can say: no infinities, and texts without surrogates."""
    dtype = BY_NAME[datatype].numpy
    if dtype.kind == "O":
        return st.text(max_size=4)
    if dtype.kind == "f":
        return st.floats(width=8 * dtype.itemsize, allow_infinity=False)
    return arrays.from_dtype(dtype)


@st.composite
def questions(draw):
    """A signature, an array for each input, and the outputs that are wanted, if not all."""
    signature = draw(signatures())
    rows = draw(st.integers(1, ROWS))
    given_arrays = {
        name: draw(
            arrays.arrays(
                BY_NAME[datatype].numpy,
                (rows, *inner),
                elements=elements(datatype),
                fill=st.nothing(),
            )
        )
        for name, datatype, inner in signature
    }
    names = [f"y_{name}" for name, _, _ in signature]
    return signature, given_arrays, draw(st.none() | st.permutations(names))


def model_of(signature):
    """A model whose outputs are its inputs."""
    nodes = [helper.make_node("Identity", [name], [f"y_{name}"]) for name, _, _ in signature]
    tensors = [
        [
            helper.make_tensor_value_info(prefix + name, ONNX[datatype], ["N", *inner])
            for name, datatype, inner in signature
        ]
        for prefix in ("", "y_")
    ]
    graph = helper.make_graph(nodes, "same", *tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    specs = [
        [
            {"name": prefix + name, "datatype": datatype, "shape": [-1, *inner]}
            for name, datatype, inner in signature
        ]
        for prefix in ("", "y_")
    ]
    example = {name: [] for name, _, _ in signature}
    said = {"inputs": specs[0], "outputs": specs[1], "example": example}
    files = {"model.onnx": proto.SerializeToString(), "signature.json": json.dumps(said).encode()}
    return load(MODEL, "1", "sha256:0", files)


def plain(array):
    """The array as JSON has it: nested, NaN as null."""
    if array.dtype.kind != "f":
        return array.tolist()
    return np.where(np.isnan(array), None, array.astype(np.float64)).tolist()


def over_json(question, *, nested):
    """The request as a JSON body."""
    signature, given_arrays, wanted = question
    inputs = [
        {
            "name": name,
            "datatype": datatype,
            "shape": list(given_arrays[name].shape),
            "data": plain(given_arrays[name] if nested else given_arrays[name].ravel()),
        }
        for name, datatype, _ in signature
    ]
    outputs = {} if wanted is None else {"outputs": [{"name": name} for name in wanted]}
    return {"id": "q", "inputs": inputs} | outputs


def ask_json(ask, question, *, nested):
    """Outputs by name, over JSON."""
    request = decode(json.dumps(over_json(question, nested=nested)).encode(), None)
    body, _ = encode(request, ask(request), None)
    return {
        each["name"]: np.array(
            [np.nan if value is None else value for value in each["data"]],
            BY_NAME[each["datatype"]].numpy,
        ).reshape(each["shape"])
        for each in json.loads(body)["outputs"]
    }


def ask_binary(ask, question):
    """Outputs by name, over the binary extension."""
    said = over_json(question, nested=False)
    tail = b""
    for tensor in said["inputs"]:
        data = write_raw(BY_NAME[tensor["datatype"]], question[1][tensor["name"]])
        tensor["parameters"] = {"binary_data_size": len(data)}
        del tensor["data"]
        tail += data
    head = json.dumps(said | {"parameters": {"binary_data_output": True}}).encode()
    request = decode(head + tail, str(len(head)))
    body, headers = encode(request, ask(request), None)
    size = int(dict(headers)[HEADER])
    found, at = {}, size
    for each in json.loads(body[:size])["outputs"]:
        end = at + each["parameters"]["binary_data_size"]
        found[each["name"]] = read_raw(BY_NAME[each["datatype"]], each["shape"], body[at:end])
        at = end
    assert at == len(body)
    return found


def over_grpc(question, *, raw):
    """The request as a message of gRPC."""
    signature, given_arrays, wanted = question
    message = ModelInferRequest(model_name=MODEL, id="q")
    for name, datatype, _ in signature:
        array = given_arrays[name]
        tensor = message.inputs.add(name=name, datatype=datatype, shape=array.shape)
        if raw:
            message.raw_input_contents.append(write_raw(BY_NAME[datatype], array))
        else:
            contents.write(datatype, array.ravel().tolist(), tensor.contents)
    for name in wanted or ():
        message.outputs.add(name=name)
    return message.SerializeToString()


def ask_grpc(ask, question, *, raw):
    """Outputs by name, over gRPC."""
    request = codec.read(ModelInferRequest.FromString(over_grpc(question, raw=raw)))
    sent = codec.write(ask(request), raw=raw).SerializeToString()
    answer = ModelInferResponse.FromString(sent)
    found = {}
    for place, each in enumerate(answer.outputs):
        datatype = BY_NAME[each.datatype]
        if answer.raw_output_contents:
            array = read_raw(datatype, each.shape, answer.raw_output_contents[place])
        else:
            values = contents.read(each.name, each.datatype, each.contents)
            array = np.array(values, datatype.numpy).reshape(each.shape)
        found[each.name] = array
    return found


@pytest.fixture(scope="module")
def loop():
    """A loop that runs while it is asked to."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(question=questions())
def test_all_ways_to_ask_give_the_same_answer(loop, question):
    """JSON flat and nested, binary, and gRPC typed and raw: the same arrays, in the same order."""
    signature, given_arrays, wanted = question
    config = Config(1, "http://x", "x:1", MODEL, "")
    placement = Placement(champion=model_of(signature))
    admission = Admission(9, 9.0)
    registry = CollectorRegistry()
    engine = Engine(
        config,
        placement=placement,
        metrics=Metrics(MODEL, registry),
        explainer=Explainer(MODEL, config.explanations, registry),
        log=None,
        admission=admission,
    )
    engine.start(loop)

    def ask(request):
        answer = loop.run_until_complete(engine.infer(Call(MODEL), request))
        assert answer.id == "q"
        return answer

    ways = {
        "flat": ask_json(ask, question, nested=False),
        "nested": ask_json(ask, question, nested=True),
        "binary": ask_binary(ask, question),
        "raw": ask_grpc(ask, question, raw=True),
    }
    if all(datatype != "FP16" for _, datatype, _ in signature):
        ways["typed"] = ask_grpc(ask, question, raw=False)
    names = wanted or [f"y_{name}" for name, _, _ in signature]
    for way, found in ways.items():
        assert list(found) == names, way
        for name, array in found.items():
            expected = given_arrays[name.removeprefix("y_")]
            assert array.dtype == expected.dtype, way
            np.testing.assert_array_equal(array, expected, err_msg=way)
