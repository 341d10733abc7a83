"""Changing the model under load, and what must not change it."""

import httpx
import pytest

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"


def bias(version):
    """The bias of a version's model, so that an answer shows which graph made it."""
    return float(version)


@pytest.fixture
def release(platform, make_delays):
    """Publish and promote a version whose model shows it."""
    return lambda version, alias="champion": platform.release(
        version, make_delays(bias(version)), alias
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_fails_in_a_swap(launch, platform, release, flights, wait_until, load, workers):  # noqa: PLR0913, PLR0917  # fixtures
    """Under load every request is answered, each by one model that is whole."""
    versions = [str(number) for number in range(1, 7)]
    release(versions[0])
    server = launch(platform.address, workers=workers)
    wait_until(lambda: len(server.events("model_loaded")) == workers, "version 1 everywhere")
    with load(server.url + INFER, flights(("AA", 0, 0))) as calls:
        for version in versions:
            release(version)
            wait_until(lambda v=version: v in calls.versions(), f"an answer of version {version}")
    assert calls.failures == []
    assert set(calls.answers) == {(version, bias(version)) for version in versions}


FAULTS = {
    "corrupt blob": "digest",
    "missing blob": "fetch",
    "wrong signature": "signature",
    "nan": "warmup",
}


def publish_with(fault, platform, files):
    """Publish and promote version 2 with a fault."""
    if fault == "wrong signature":
        files.signature["inputs"][1]["datatype"] = "INT32"
    platform.publish("2", files)
    graph = next(digest for digest, data in platform.blobs.items() if data == files.graph)
    if fault == "corrupt blob":
        platform.blobs[graph] = bytes(len(files.graph))
    if fault == "missing blob":
        del platform.blobs[graph]
    platform.promote("2")


@pytest.fixture
def served(launch, platform, release, wait_until):
    """A server of version 1."""
    release("1")
    server = launch(platform.address)
    wait_until(lambda: server.serves("1"), "version 1")
    return server


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_release_changes_nothing(served, platform, make_delays, flights, wait_until, fault):  # noqa: PLR0913, PLR0917  # fixtures
    """A release that fails any step is refused with a reason; the old model goes on."""
    publish_with(fault, platform, make_delays(float("nan") if fault == "nan" else 2))
    labels = f'model="{MODEL}",reason="{FAULTS[fault]}",slot="champion"'
    failures = f"slipway_model_load_failures_total{{{labels}}}"
    wait_until(lambda: (served.metric(failures) or 0) >= 1, "a refusal")
    assert served.events("model_refused")[0]["reason"] == FAULTS[fault]
    answer = httpx.post(served.url + INFER, json=flights(("AA", 0, 0)), trust_env=False).json()
    assert (answer["model_version"], answer["outputs"][0]["data"]) == ("1", [1.0])


def test_a_repaired_release_is_taken(launch, platform, make_delays, wait_until):
    """A release that was refused is tried again, and served once it is right."""
    files = make_delays(2)
    digest = platform.publish("2", files)
    whole = platform.blobs[digest]
    platform.blobs[digest] = b"{}"
    platform.promote("2")
    server = launch(platform.address)
    wait_until(lambda: server.events("model_refused"), "a refusal")
    platform.blobs[digest] = whole
    wait_until(lambda: server.serves("2"), "version 2")


def test_services_that_are_down_change_nothing(served, launch, platform, release, wait_until):
    """With MLflow and registry down the model stays, a restart finds it, and both recover."""
    port = platform.server.server_port
    platform.stop()
    wait_until(lambda: served.events("tracking_unreachable"), "a failed look")
    assert served.serves("1")
    assert served.stop() == 0
    same = {key: served.config[key] for key in ("cache_dir", "port")}
    again = launch(platform.address, **same)
    wait_until(lambda: again.serves("1"), "version 1 from the cache")
    wait_until(lambda: again.events("tracking_unreachable"), "a failed look after the restart")
    platform.start(port)
    release("2")
    wait_until(lambda: again.serves("2"), "version 2")
    wait_until(lambda: again.events("tracking_answers"), "the event of it")


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_fails_in_a_split_and_a_rollback(  # noqa: PLR0913, PLR0917  # fixtures
    launch, platform, release, flights, wait_until, load, workers
):
    """Under load weights move, a challenger is promoted and taken back, without a restart."""
    release("1")
    server = launch(platform.address, workers=workers)
    wait_until(lambda: len(server.events("model_loaded")) == workers, "version 1 everywhere")
    with load(server.url + INFER, flights(("AA", 0, 0))) as calls:
        release("2", "challenger")
        platform.set_weight(0.5)
        wait_until(lambda: calls.latest() == {"1", "2"}, "a split")
        platform.set_weight(1)
        wait_until(lambda: calls.latest() == {"2"}, "all to the challenger")
        platform.set_weight(0)
        wait_until(lambda: calls.latest() == {"1"}, "none to the challenger")
        platform.promote("2")
        platform.promote("", "challenger")
        wait_until(lambda: calls.latest() == {"2"}, "the promotion")
        platform.promote("1")
        wait_until(lambda: calls.latest() == {"1"}, "the rollback")
    assert calls.failures == []
    assert set(calls.answers) == {("1", 1.0), ("2", 2.0)}


def test_one_key_meets_one_version(launch, platform, release, flights, wait_until):
    """The answers to one routing key are of one model, whichever worker gives them."""
    release("1")
    release("2", "challenger")
    platform.set_weight(0.5)
    server = launch(platform.address, workers=2)
    wait_until(lambda: len(server.events("model_loaded")) == 4, "both versions everywhere")
    wait_until(lambda: len(server.events("weight_changed")) == 2, "the weight everywhere")

    def version(key):
        more = {"parameters": {"routing_key": key}}
        answer = httpx.post(server.url + INFER, json=flights(("AA", 0, 0), **more), trust_env=False)
        return answer.json()["model_version"]

    met = {f"user-{number}": version(f"user-{number}") for number in range(20)}
    assert set(met.values()) == {"1", "2"}
    for key, expected in met.items():
        assert version(key) == expected


def test_every_version_in_service_is_named_and_may_be_asked(
    launch, platform, release, flights, wait_until
):
    """The model's metadata lists what may be asked for by version, the champion's first."""
    release("2")
    release("1", "challenger")
    server = launch(platform.address)
    wait_until(lambda: len(server.events("model_loaded")) == 2, "both versions")
    where = f"{server.url}/v2/models/{MODEL}"
    assert httpx.get(where, trust_env=False).json()["versions"] == ["2", "1"]
    for version in ("1", "2"):
        url = f"{where}/versions/{version}/infer"
        answer = httpx.post(url, json=flights(("AA", 0, 0)), trust_env=False).json()
        assert answer["model_version"] == version
