"""Calls over gRPC: answered, refused with the right status, bounded and ended in order."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from prometheus_client import CollectorRegistry

from serving.config import ApiKey, Config, Limits
from serving.explanation.explainer import Explainer
from serving.grpc.messages import SERVICE, message
from serving.grpc.server import make
from serving.inference.engine import Engine
from serving.metrics.server import Metrics
from serving.middleware.admission import Admission
from serving.middleware.api_keys import ApiKeys, make_key
from serving.middleware.draining import Draining
from serving.middleware.guards import Guards
from serving.models.model import load
from serving.models.slots import Placement

MODEL = "flight-delays"
DIGEST = "sha256:" + "0" * 64
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Slow(Engine):
    """An engine that answers when it is told to."""

    def __init__(self, config, **parts):
        super().__init__(config, **parts)
        self.open = asyncio.Event()
        self.open.set()
        self.begun = threading.Event()

    async def infer(self, call, request):
        """Wait until it is open."""
        self.begun.set()
        await self.open.wait()
        return await super().infer(call, request)


class Running:
    """A gRPC server on a loop of its own."""

    def __init__(self, config, files):
        placement = Placement()
        if files is not None:
            placement.champion = load(MODEL, "7", DIGEST, files.titled())
        self.loop = uvloop.new_event_loop()
        registry = CollectorRegistry()
        metrics = Metrics(MODEL, registry)
        admission = Admission(config.limits.max_concurrency, config.limits.max_seconds)
        self.guards = Guards(ApiKeys(config.api_keys), admission, Draining(), metrics)
        self.engine = Slow(
            config,
            placement=placement,
            metrics=metrics,
            explainer=Explainer(MODEL, config.explanations, registry),
            log=None,
            admission=admission,
        )
        self.server = make(config, config.grpc_port, self.engine, self.guards, registry)
        self.engine.start(self.loop)
        self.guards.start(self.loop)
        self.server.start(self.loop)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{config.grpc_port}")

    def release(self):
        """Let the engine answer what it was asked."""
        self.loop.call_soon_threadsafe(self.engine.open.set)

    def _run(self):
        self.loop.run_forever()
        self.server.stop(self.loop)
        self.guards.stop(self.loop)
        self.loop.close()

    def call(self, method, request=b"", **more):
        """The answer to a message, or to the bytes of one."""
        raw = request if isinstance(request, bytes) else request.SerializeToString()
        rpc = self.channel.unary_unary(f"/{SERVICE}/{method}")
        return message(f"{method}Response").FromString(rpc(raw, timeout=30, **more))

    def refusal(self, method, request=b"", **more):
        """Status, text and trailing metadata of a call that is refused."""
        with pytest.raises(grpc.RpcError) as caught:
            self.call(method, request, **more)
        error = caught.value
        return error.code(), error.details(), dict(error.trailing_metadata())

    def stop(self):
        """End as a worker does: the loop first, then the server."""
        if self.thread.is_alive():
            self.release()
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
        self.channel.close()


@pytest.fixture
def run(make_delays):
    """Start servers with the small model; they end with the test."""
    running = []

    def start(*, files=None, model=True, **settings):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = Config(1, "http://x", "x:1", MODEL, "", grpc_port=port, **settings)
        running.append(Running(config, (files or make_delays(0)) if model else None))
        return running[-1]

    yield start
    for each in running:
        each.stop()


def flight(*rows, **more):
    """An infer message for the small model."""
    request = message("ModelInferRequest")(model_name=MODEL, **more)
    shape = [len(rows), 1]
    names = ("carrier", "BYTES", "bytes"), ("hour", "INT64", "int64"), ("distance", "FP32", "fp32")
    for column, (name, datatype, kind) in enumerate(names):
        tensor = request.inputs.add(name=name, datatype=datatype, shape=shape)
        getattr(tensor.contents, f"{kind}_contents").extend(row[column] for row in rows)
    return request


ROW = (b"UA", 8, 0.25)


def test_the_server_and_its_model_are_described(run):
    """Live, ready and metadata are what HTTP answers."""
    server = run()
    assert server.call("ServerLive").live
    assert server.call("ServerReady").ready
    assert server.call("ModelReady", message("ModelReadyRequest")(name=MODEL, version="7")).ready
    about = server.call("ServerMetadata")
    assert (about.name, list(about.extensions)) == ("slipway", ["binary_tensor_data"])
    model = server.call("ModelMetadata", message("ModelMetadataRequest")(name=MODEL))
    assert (model.name, list(model.versions), model.platform) == (MODEL, ["7"], "onnx_onnxruntime")
    assert [(each.name, each.datatype, list(each.shape)) for each in model.inputs] == [
        ("carrier", "BYTES", [-1, 1]),
        ("hour", "INT64", [-1, 1]),
        ("distance", "FP32", [-1, 1]),
    ]


def test_an_answer_names_its_request_model_and_version(run):
    """Ids come back, made ones where there was none; typed contents are answered in kind."""
    server = run()
    answer = server.call("ModelInfer", flight(ROW, (b"AA", 9, 0.5), id="mine"))
    assert (answer.model_name, answer.model_version, answer.id) == (MODEL, "7", "mine")
    (output,) = answer.outputs
    assert (output.name, output.datatype, list(output.shape)) == ("probability", "FP32", [2, 1])
    np.testing.assert_allclose(output.contents.fp32_contents, [0.83, 0.59], rtol=1e-6)
    assert not answer.raw_output_contents
    assert server.call("ModelInfer", flight(ROW)).id


def test_without_a_model_it_is_live_and_not_ready(run):
    """No model yet: live, not ready, and infer is UNAVAILABLE."""
    server = run(model=False)
    assert server.call("ServerLive").live
    assert not server.call("ServerReady").ready
    assert not server.call("ModelReady", message("ModelReadyRequest")(name=MODEL)).ready
    assert server.refusal("ModelInfer", flight(ROW))[0] is grpc.StatusCode.UNAVAILABLE


def _without(tensor):
    request = flight(ROW)
    del request.inputs[tensor]
    return request


def _edited(edit):
    request = flight(ROW)
    edit(request)
    return request


REFUSED = {
    "long id": (
        _edited(lambda r: setattr(r, "id", "i" * 257)),
        "INVALID_ARGUMENT",
        "the id has 257 characters; it may have 256",
    ),
    "long name": (
        _edited(lambda r: setattr(r.inputs[1], "name", "✈" * 99_999)),
        "INVALID_ARGUMENT",
        "unknown input '✈",
    ),
    "no model": (_edited(lambda r: setattr(r, "model_name", "other")), "NOT_FOUND", "unknown"),
    "no version": (_edited(lambda r: setattr(r, "model_version", "9")), "NOT_FOUND", "'9'"),
    "no message": (b"\xff\xff", "INVALID_ARGUMENT", "no ModelInferRequest"),
    "missing input": (_without(0), "INVALID_ARGUMENT", "missing inputs: ['carrier']"),
    "negative shape": (
        _edited(lambda r: r.inputs[1].shape.__setitem__(0, -1)),
        "INVALID_ARGUMENT",
        "no dimension is negative",
    ),
    "too few elements": (
        _edited(lambda r: r.inputs[1].shape.__setitem__(0, 2)),
        "INVALID_ARGUMENT",
        "its data has 1 elements",
    ),
    "other contents": (
        _edited(lambda r: r.inputs[1].contents.fp32_contents.append(1.0)),
        "INVALID_ARGUMENT",
        "INT64 goes into int64_contents",
    ),
    "unknown datatype": (
        _edited(lambda r: setattr(r.inputs[1], "datatype", "BF16")),
        "INVALID_ARGUMENT",
        "the request says 'BF16'",
    ),
    "no typed contents": (
        _edited(lambda r: setattr(r.inputs[1], "datatype", "FP16")),
        "INVALID_ARGUMENT",
        "FP16 goes into raw_input_contents",
    ),
    "no text": (
        _edited(lambda r: r.inputs[0].contents.bytes_contents.__setitem__(0, b"\xff")),
        "INVALID_ARGUMENT",
        "not UTF-8",
    ),
    "raw for some": (
        _edited(lambda r: r.raw_input_contents.append(b"")),
        "INVALID_ARGUMENT",
        "raw_input_contents has 1 entries for 3 inputs",
    ),
    "raw beside typed": (
        _edited(lambda r: r.raw_input_contents.extend([b"", b"", b""])),
        "INVALID_ARGUMENT",
        "has contents beside raw_input_contents",
    ),
}


@pytest.fixture(scope="module")
def ordinary(make_delays):
    """One server for calls that leave nothing behind."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = Config(1, "http://x", "x:1", MODEL, "", grpc_port=port)
    running = Running(config, make_delays(0))
    yield running
    running.stop()


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_with_its_reason(ordinary, case):
    """Each fault of a request has its status and says what is wrong."""
    request, code, complaint = REFUSED[case]
    found, details, _ = ordinary.refusal("ModelInfer", request)
    assert found.name == code
    assert complaint in details


def test_a_refusal_can_be_matched_with_the_log(ordinary):
    """The caller's request id and trace come back in the trailing metadata."""
    metadata = (("x-request-id", "abc"), ("traceparent", PARENT))
    _, _, trailing = ordinary.refusal("ModelInfer", b"\xff", metadata=metadata)
    assert trailing["x-request-id"] == "abc"
    assert trailing["traceparent"].split("-")[1] == PARENT.split("-")[1]


def test_a_key_is_asked_for_where_there_are_keys(run):
    """Infer wants a key in either form; what others must know is open to all."""
    key, digest = make_key()
    server = run(api_keys=(ApiKey("one", digest),))
    assert server.call("ServerReady").ready
    for metadata in ((), (("x-api-key", "wrong"),)):
        code, details, _ = server.refusal("ModelInfer", flight(ROW), metadata=metadata)
        assert code is grpc.StatusCode.UNAUTHENTICATED
        assert "API key" in details
    for metadata in ((("x-api-key", key),), (("authorization", f"Bearer {key}"),)):
        assert server.call("ModelInfer", flight(ROW), metadata=metadata).outputs


def test_more_than_the_bound_is_told_when_to_come_again(run):
    """Beyond max_concurrency a call is RESOURCE_EXHAUSTED with `retry-after`."""
    server = run(limits=Limits(max_concurrency=1))
    server.engine.open.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.call, "ModelInfer", flight(ROW))
        assert server.engine.begun.wait(30)
        code, _, trailing = server.refusal("ModelInfer", flight(ROW))
        server.release()
        assert first.result().outputs
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert int(trailing["retry-after"]) >= 1


def test_what_takes_too_long_is_ended(run):
    """Beyond max_seconds a call is DEADLINE_EXCEEDED, by the server's own bound."""
    server = run(limits=Limits(max_seconds=0.2))
    server.engine.open.clear()
    code, details, _ = server.refusal("ModelInfer", flight(ROW))
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "0.2 s" in details


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_message_beyond_the_limit_is_not_read(run, compression):
    """A message that is, or would become, longer than max_body_bytes is RESOURCE_EXHAUSTED."""
    server = run(limits=Limits(max_body_bytes=10_000))
    request = flight(ROW, id="x" * 1_000_000)
    code, _, _ = server.refusal("ModelInfer", request, compression=compression)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert server.call("ModelInfer", flight(ROW), compression=compression).outputs


def test_calls_in_hand_are_answered_at_the_end(run):
    """A call that has begun is answered though the server stops; then nobody listens."""
    server = run()
    server.engine.open.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(server.call, "ModelInfer", flight(ROW))
        assert server.engine.begun.wait(30)
        server.loop.call_soon_threadsafe(server.loop.stop)
        server.release()
        assert first.result().outputs
        server.thread.join()
    assert server.refusal("ServerLive")[0] is grpc.StatusCode.UNAVAILABLE


def test_health_follows_readiness(run):
    """The health service says SERVING while ready, to who asks and to who watches."""
    server = run()
    stub = health_pb2_grpc.HealthStub(server.channel)
    ask = health_pb2.HealthCheckRequest
    serving, not_serving = (
        health_pb2.HealthCheckResponse.SERVING,
        health_pb2.HealthCheckResponse.NOT_SERVING,
    )
    assert {stub.Check(ask(service=name)).status for name in ("", SERVICE)} == {serving}
    watch = stub.Watch(ask())
    assert next(watch).status == serving
    server.guards.draining.begin()
    assert next(watch).status == not_serving
    assert stub.Check(ask()).status == not_serving
    watch.cancel()
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(ask(service="other"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    unknown = stub.Watch(ask(service="other"))
    assert next(unknown).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    unknown.cancel()


def test_the_service_describes_itself(ordinary):
    """Reflection lists the services, and has the messages of the protocol's."""
    database = ProtoReflectionDescriptorDatabase(ordinary.channel)
    assert {SERVICE, "grpc.health.v1.Health"} <= set(database.get_services())
    file = database.FindFileContainingSymbol(SERVICE)
    assert "ModelInferRequest" in {each.name for each in file.message_type}


def test_a_second_server_of_this_worker_group_may_listen_too(run):
    """The port is shared, as several workers share it."""
    server = run()
    config = Config(
        1, "http://x", "x:1", MODEL, "", grpc_port=int(server.server._address.rsplit(":")[-1])
    )
    other = Running(config, None)
    other.stop()
