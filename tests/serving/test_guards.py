"""What requests of all transports pass: admitted once, counted once, their key compared once."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from serving.config import ApiKey
from serving.errors import RequestError
from serving.metrics.server import Metrics
from serving.middleware import api_keys
from serving.middleware.admission import Admission
from serving.middleware.api_keys import ApiKeys, make_key
from serving.middleware.draining import Draining
from serving.middleware.guards import Guards
from serving.middleware.request_context import context_of

MODEL = "m"
KEY, SHA256 = make_key()


class Worker:
    """The guards of a worker, and what they counted."""

    def __init__(self, most=2, seconds=60.0, keys=()):
        self.registry = CollectorRegistry()
        self.metrics = Metrics(MODEL, self.registry)
        self.admission = Admission(most, seconds)
        self.guards = Guards(ApiKeys(keys), self.admission, Draining(), self.metrics)

    async def pass_(self, work=None, headers=None, *, infer=True):
        """The status of a request that does `work`, and its context."""
        headers = headers or {}
        context = context_of(headers)
        try:
            async with self.guards.admit(context, headers, infer=infer):
                if work is not None:
                    await work()
        except RequestError as error:
            self.guards.refused("infer", context, headers, error)
            return error.status
        return 200

    def refusals(self):
        """Refused infer requests by slot and status."""
        self.metrics.share()
        return {
            (sample.labels["slot"], sample.labels["code"]): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == "slipway_inference_requests_total"
        }


async def refuse(slot=None, status=422):
    """Work that the model of a slot refuses."""
    error = RequestError(status, "not this")
    error.slot = slot
    raise error


def test_each_refusal_is_counted_once_under_the_slot_that_refused():
    """Before admission, within it and for its time; a request that is answered is not counted."""

    async def scenario():
        worker = Worker(most=1, seconds=0.05)
        worker.guards.start(asyncio.get_running_loop())
        held = asyncio.create_task(worker.pass_(asyncio.Event().wait))
        await asyncio.sleep(0)
        statuses = [await asyncio.create_task(worker.pass_())]
        statuses += [await held]
        for slot in ("champion", "challenger", "champion", None):
            work = asyncio.create_task(worker.pass_(lambda slot=slot: refuse(slot)))
            statuses.append(await work)
        statuses.append(await asyncio.create_task(worker.pass_()))
        worker.guards.stop(asyncio.get_running_loop())
        return statuses, worker.refusals(), worker.admission.in_hand

    statuses, refusals, in_hand = asyncio.run(scenario())
    assert (statuses, in_hand) == ([429, 408, 422, 422, 422, 422, 200], 0)
    assert refusals == {
        ("none", "429"): 1,
        ("none", "408"): 1,
        ("champion", "422"): 2,
        ("challenger", "422"): 1,
        ("none", "422"): 1,
    }


def test_refused_labels_are_not_the_models():
    """Feedback passes the same guards, but its refusals are no infer requests."""

    async def scenario():
        worker = Worker(keys=(ApiKey("team", SHA256),))
        labels = [worker.pass_(infer=False), worker.pass_(refuse, {"x-api-key": KEY}, infer=False)]
        return [await asyncio.create_task(each) for each in labels], worker.refusals()

    assert asyncio.run(scenario()) == ([401, 422], {})


def test_after_the_end_began_nobody_is_let_in():
    """A call that came as the end began is refused, so that it is tried again elsewhere."""

    async def scenario():
        worker = Worker()
        worker.admission.close()
        return await asyncio.create_task(worker.pass_()), worker.refusals()

    assert asyncio.run(scenario()) == (503, {("none", "503"): 1})


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [({"x-api-key": KEY}, 422, "team"), ({"x-api-key": "wrong"}, 401, "")],
)
def test_a_key_is_hashed_once(monkeypatch, headers, status, name):
    """Known or not: what admission has compared, the log of the refusal does not compare again."""
    hashed = []
    hash_of = api_keys.hash_of
    monkeypatch.setattr(api_keys, "hash_of", lambda key: hashed.append(key) or hash_of(key))
    logged = []

    async def scenario():
        worker = Worker(keys=(ApiKey("team", SHA256),))
        monkeypatch.setattr(
            type(worker.guards.log), "refused", lambda _, request, *__: logged.append(request.key)
        )
        return await asyncio.create_task(worker.pass_(refuse, headers))

    assert asyncio.run(scenario()) == status
    assert (hashed, logged) == ([headers["x-api-key"]], [name])


def test_a_key_is_named_though_its_request_needs_none():
    """A request that is not admitted, such as one for an unknown path, is logged under its key."""
    worker = Worker(keys=(ApiKey("team", SHA256),))
    headers = {"x-api-key": KEY}
    context = context_of(headers)
    worker.guards.refused("unknown", context, headers, RequestError(404, "no such path"))
    assert context.key == "team"
