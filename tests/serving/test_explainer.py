"""The thread that explains: how many requests may wait for it."""

import asyncio
import threading

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from serving.config import Explanations, Limits
from serving.errors import RequestError
from serving.explanation.explainer import Explainer
from serving.models.model import load
from serving.models.scoring import read
from serving.models.warmup import example_request


@pytest.fixture
def job(make_delays):
    """The small model's example, as a job."""
    files = make_delays(0)
    files.more["background.json"] = {"carrier": ["AA"], "hour": [1], "distance": [0.5]}
    model = load("flight-delays", "1", "sha256:m", files.titled())
    return read(model, example_request(model), Limits())


def test_more_than_may_wait_are_told_to_come_later(job):
    """The ninth gets 429 and when to try again; the eight are explained, and who comes later."""

    async def scenario():
        explainer = Explainer("m", Explanations(), CollectorRegistry())
        gate = threading.Event()
        explainer._thread.submit(gate.wait)
        waiting = [asyncio.ensure_future(explainer.explain(job)) for _ in range(8)]
        await asyncio.sleep(0)
        with pytest.raises(RequestError) as refused:
            await explainer.explain(job)
        gate.set()
        return refused.value, [*await asyncio.gather(*waiting), await explainer.explain(job)]

    refusal, explained = asyncio.run(scenario())
    assert (refusal.status, dict(refusal.headers)) == (429, {"retry-after": "1"})
    for [found] in explained:
        np.testing.assert_allclose(found.contributions, [[0.5, 0.07, -0.25]], atol=1e-6)


def test_who_leaves_makes_room(job):
    """A request that was ended for its time no longer counts."""

    async def scenario():
        explainer = Explainer("m", Explanations(), CollectorRegistry())
        gate = threading.Event()
        explainer._thread.submit(gate.wait)
        waiting = [asyncio.ensure_future(explainer.explain(job)) for _ in range(8)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.wait(waiting[:1])
        last = asyncio.ensure_future(explainer.explain(job))
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(*waiting[1:], last)

    assert len(asyncio.run(scenario())) == 8
