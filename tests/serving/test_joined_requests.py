"""Requests that are there together are scored together, each with its own answer."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from serving.config import Limits
from serving.errors import RequestError
from serving.inference.batching import Batcher
from serving.models.batchability import with_batchability
from serving.models.model import load
from serving.models.scoring import read, score, score_batch
from serving.models.warmup import example_request
from serving.protocol.messages import decode_request

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"
DIGEST = "sha256:" + "0" * 64


def job(model, request):
    """A request as it is scored."""
    return read(model, decode_request(json.dumps(request).encode()), Limits())


@pytest.fixture(scope="module")
def model(make_delays):
    """The small model."""
    return load(MODEL, "1", DIGEST, make_delays(0).titled())


_FLIGHTS = st.lists(
    st.tuples(
        st.sampled_from(["UA", "AA", "", "\u2708"]),
        st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(-1e6, 1e6, width=32),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=100, deadline=None)
@given(requests=st.lists(_FLIGHTS, min_size=2, max_size=6))
def test_joined_answers_are_those_of_each_alone(model, flights, requests):
    """Whatever is put together, every request's answer is what it would be alone."""
    jobs = [job(model, flights(*rows)) for rows in requests]
    for joined, own in zip(score_batch(jobs), jobs, strict=True):
        single = score(own)
        assert joined["probability"].shape == single["probability"].shape
        np.testing.assert_allclose(joined["probability"], single["probability"], rtol=1e-5)


def batcher_of(runs):
    """A batcher on the running loop whose answers are the results."""
    return Batcher(asyncio.get_running_loop(), runs.append, lambda _asked, results: results)


def test_what_settles_a_batch_fails_it_and_nobody_waits(model, flights):
    """An answer that cannot be made is an error to each of its callers, not a silence."""

    async def main():
        def settle(_asked, _results):
            raise OSError("no")

        batcher = Batcher(asyncio.get_running_loop(), lambda _rows: None, settle)
        asked = SimpleNamespace(job=job(model, flights(("UA", 1, 0))))
        futures = [batcher.submit(asked) for _ in range(3)]
        return await asyncio.gather(*futures, return_exceptions=True)

    assert [type(error) for error in asyncio.run(main())] == [OSError] * 3


def turn(model, requests):
    """What a batcher makes of requests of one turn: results or errors, and the rows of its runs."""
    runs = []

    async def main():
        batcher = batcher_of(runs)
        futures = [batcher.submit(SimpleNamespace(job=job(model, each))) for each in requests]
        assert batcher.depth == len(requests)
        return await asyncio.gather(*futures, return_exceptions=True)

    return asyncio.run(main()), runs


def test_a_turns_requests_are_one_run(model, flights):
    """Jobs of one turn of the loop are scored in one run of the graph."""
    results, runs = turn(model, [flights(("UA", hour, 0)) for hour in range(5)])
    assert runs == [5]
    assert [round(float(r["probability"][0, 0]), 4) for r in results] == [
        0.5,
        0.51,
        0.52,
        0.53,
        0.54,
    ]


def test_one_that_cannot_be_scored_fails_alone(model, flights):
    """A number beyond its datatype is its own request's 422; the others are answered."""
    requests = [flights(("UA", 1, 0)), flights(("UA", 2, 1e39)), flights(("UA", 3, 0))]
    (first, second, third), runs = turn(model, requests)
    assert runs == [1, 1]
    assert isinstance(second, RequestError)
    assert "input 'distance' has a value beyond FP32" in str(second)
    assert {"probability"} == first.keys() == third.keys()


def test_a_run_has_a_bounded_number_of_rows(model, flights):
    """More rows than are good for one run are scored in several."""
    results, runs = turn(model, [flights(*[("UA", 1, 0)] * 60) for _ in range(10)])
    assert runs == [240, 240, 120]
    assert all(len(result["probability"]) == 60 for result in results)


def test_a_caller_that_is_gone_is_not_scored(model, flights):
    """A request whose future was cancelled is left out, and harms nobody."""

    async def main():
        runs = []
        batcher = batcher_of(runs)
        asked = SimpleNamespace(job=job(model, flights(("UA", 1, 0))))
        futures = [batcher.submit(asked) for _ in range(3)]
        futures[1].cancel()
        await asyncio.gather(*futures, return_exceptions=True)
        return runs

    assert asyncio.run(main()) == [2]


def centred():
    """A graph whose rows touch each other: it subtracts the mean of all."""
    column = ["N", 1]
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    signature = {
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 1]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 1]}],
        "example": {"x": 1.5},
    }
    value = TensorProto.FLOAT
    return nodes, [("x", value, column)], [("y", value, column)], signature


def test_a_graph_that_mixes_rows_is_never_joined(make_graph):
    """The trial sees that rows scored together come out otherwise, and joins nothing."""
    nodes, inputs, outputs, signature = centred()
    files = {
        "model.onnx": make_graph(nodes, inputs, outputs),
        "signature.json": json.dumps(signature).encode(),
    }
    mixed = load(MODEL, "1", DIGEST, files)
    assert not with_batchability(mixed, read(mixed, example_request(mixed), Limits())).batchable


def test_a_graph_with_a_fixed_number_of_rows_is_never_joined(make_graph):
    """Where a model takes one row only, there is nothing to put together."""
    row, value = [1, 2], TensorProto.FLOAT
    signature = {
        "inputs": [{"name": "x", "datatype": "FP32", "shape": row}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": row}],
        "example": {"x": [1.5, 2.5]},
    }
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    files = {
        "model.onnx": make_graph(nodes, [("x", value, row)], [("y", value, row)]),
        "signature.json": json.dumps(signature).encode(),
    }
    fixed = load(MODEL, "1", DIGEST, files)
    assert not with_batchability(fixed, read(fixed, example_request(fixed), Limits())).batchable


def test_many_at_once_are_each_answered(launch, platform, make_delays, flights, wait_until):
    """Over HTTP, with many connections at once, everybody gets their own rows' answer."""
    platform.release("1", make_delays(0))
    server = launch(platform.address)
    wait_until(lambda: server.serves("1"), "version 1")

    def ask(caller):
        with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
            for hour in range(caller * 100, caller * 100 + 30):
                answer = client.post(INFER, json=flights(("UA", hour, 0))).json()
                (data,) = answer["outputs"][0]["data"]
                assert data == pytest.approx(0.5 + hour / 100, rel=1e-5)
        return True

    with ThreadPoolExecutor(16) as callers:
        assert all(callers.map(ask, range(16)))
    assert server.metric("slipway_inference_batch_rows_sum") == 16 * 30
