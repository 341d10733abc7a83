"""gRPC in the server's process: its port, its workers, its end."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx
import numpy as np
import pytest

from serving.grpc.messages import SERVICE, ModelInferResponse, message

MODEL = "flight-delays"
NOWHERE = "127.0.0.1:9"


def flight(rows=1):
    """The bytes of an infer message for the small model."""
    request = message("ModelInferRequest")(model_name=MODEL)
    columns = ("carrier", "BYTES", "bytes", b"UA"), ("hour", "INT64", "int64", 8)
    for name, datatype, kind, value in (*columns, ("distance", "FP32", "fp32", 0.25)):
        tensor = request.inputs.add(name=name, datatype=datatype, shape=[rows, 1])
        getattr(tensor.contents, f"{kind}_contents").extend([value] * rows)
    return request.SerializeToString()


def connect(server):
    """A connection of its own to the server's gRPC port."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    return grpc.insecure_channel(f"127.0.0.1:{server.config['grpc_port']}", options=options)


def infer(channel, rows=1):
    """The probabilities that a connection answers."""
    call = channel.unary_unary(f"/{SERVICE}/ModelInfer")
    answer = ModelInferResponse.FromString(call(flight(rows), timeout=30))
    return answer.outputs[0].contents.fp32_contents


def test_a_taken_grpc_port_is_one_line_and_exit_1(launch):
    """A port that another program listens on is named, and nothing is started."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        server = launch(NOWHERE, live=False, grpc_port=port)
        assert server.process.wait(30) == 1
    expected = f"serving: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert server.log.read_text() == expected


def test_one_port_for_both_is_a_mistake_of_the_configuration(launch):
    """The two transports cannot share a port, which is said in one line."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = launch(NOWHERE, live=False, port=port, grpc_port=port)
    assert server.process.wait(30) == 2
    text = server.log.read_text()
    assert text.endswith(": `grpc_port` must not be `port`\n")
    assert text.count("\n") == 1


def test_grpc_costs_nothing_where_it_is_not_asked_for():
    """A worker without a grpc_port never loads the library."""
    script = "import sys; import serving.worker; print('grpc' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert ended.stdout == b"False\n"


def test_all_workers_answer_and_are_counted_together(serve, make_delays, wait_until):
    """Connections are spread over the workers, and whichever is asked knows of all calls."""
    server = serve(make_delays(0), workers=2)
    wait_until(lambda: len(server.events("model_loaded")) == 2, "the model everywhere")
    for _ in range(30):
        with connect(server) as channel:
            np.testing.assert_allclose(infer(channel), [0.83], rtol=1e-6)
    name = 'slipway_grpc_requests_total{code="OK",method="ModelInfer"}'
    assert server.metric(name) == 30
    served = {'slipway_inference_requests_total{code="200",model="flight-delays",slot="champion"}'}
    wait_until(lambda: {server.metric(each) for each in served} == {30}, "30 requests counted")


def test_only_the_given_address_is_bound(serve, make_delays):
    """Nobody answers on another address of this machine."""
    server = serve(make_delays(0))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.config["grpc_port"]), timeout=5)


def test_the_end_loses_no_call(serve, make_delays):
    """SIGTERM under load: each call is answered or UNAVAILABLE, the log is JSON, the exit 0."""
    server = serve(make_delays(0))

    def until_the_end():
        with connect(server) as channel:
            answered = 0
            while True:
                try:
                    infer(channel, rows=50)
                except grpc.RpcError as error:
                    return answered, error.code()
                answered += 1
                if answered == 20:
                    os.kill(server.process.pid, signal.SIGTERM)

    with ThreadPoolExecutor(4) as pool:
        ends = [pool.submit(until_the_end) for _ in range(4)]
        found = [end.result() for end in ends]
    assert {code for _, code in found} == {grpc.StatusCode.UNAVAILABLE}
    assert sum(count for count, _ in found) >= 20
    assert server.process.wait(30) == 0
    assert server.events("request_crashed") == []
    assert len(server.events("worker_stopped")) == 1


def test_answers_agree_with_http(serve, make_delays, flights):
    """One server says the same by both transports, in the middle of a long request too."""
    server = serve(make_delays(0))
    body = flights(*[("UA", 8, 0.25)] * 3000)
    url = f"{server.url}/v2/models/{MODEL}/infer"
    by_http = httpx.post(url, json=body, trust_env=False).json()["outputs"][0]["data"]
    with connect(server) as channel:
        by_grpc = infer(channel, rows=3000)
    np.testing.assert_array_equal(np.array(by_http, "f4"), np.array(by_grpc, "f4"))
