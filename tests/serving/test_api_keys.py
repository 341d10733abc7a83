"""API keys: who must have one, how it is compared, and what those without are told."""

import hashlib
import hmac
import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.config import ApiKey
from serving.errors import RequestError
from serving.middleware.api_keys import ApiKeys, hash_of, make_key

MODEL = "flight-delays"
INFER = f"/v2/models/{MODEL}/infer"
OPEN = [
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    f"/v2/models/{MODEL}",
    f"/v2/models/{MODEL}/ready",
    "/metrics",
]


@pytest.fixture(scope="module")
def made():
    """Three keys by their names."""
    return {name: make_key()[0] for name in ("first", "middle", "last")}


@pytest.fixture(scope="module")
def known(made):
    """The server's side of those keys."""
    return ApiKeys(tuple(ApiKey(name, hash_of(key)) for name, key in made.items()))


def test_a_key_has_256_bits_and_is_fit_for_a_header():
    """A new key is another one each time, and goes unquoted into a header or a shell."""
    key, sha256 = make_key()
    assert len(key) == 43
    assert key.replace("-", "").replace("_", "").isalnum()
    assert sha256 == hashlib.sha256(key.encode()).hexdigest()
    assert len({make_key()[0] for _ in range(100)}) == 100


@pytest.mark.parametrize("name", ["first", "middle", "last"])
def test_a_key_is_known_by_either_header(made, known, name):
    """`authorization: Bearer`, in any case, and `x-api-key` count alike; the first one first."""
    key = made[name]
    assert known.authenticate(f"Bearer {key}", None) == name
    assert known.authenticate(f"bearer  {key} ", "other") == name
    assert known.authenticate(None, key) == name
    assert known.authenticate("Basic dXNlcjpwYXNz", key) == name


@pytest.mark.parametrize(
    ("authorization", "x_api_key", "challenge"),
    [
        (None, None, 'Bearer realm="slipway"'),
        ("", "", 'Bearer realm="slipway"'),
        ("Bearer ", None, 'Bearer realm="slipway"'),
        ("Basic dXNlcjpwYXNz", None, 'Bearer realm="slipway"'),
        ("Bearer wrong", None, 'Bearer realm="slipway", error="invalid_token"'),
        (None, "wrong", 'Bearer realm="slipway", error="invalid_token"'),
        (None, "\udcff", 'Bearer realm="slipway", error="invalid_token"'),
    ],
)
def test_a_caller_without_a_known_key_is_challenged(known, authorization, x_api_key, challenge):
    """401 with what RFC 6750 wants in `www-authenticate`, which tells missing from wrong."""
    with pytest.raises(RequestError) as caught:
        known.authenticate(authorization, x_api_key)
    assert caught.value.status == 401
    assert caught.value.headers == (("www-authenticate", challenge),)
    assert known.name(authorization, x_api_key) == ""


def test_a_hash_is_no_key(made, known):
    """Whoever reads the configuration cannot use what stands there."""
    with pytest.raises(RequestError):
        known.authenticate(f"Bearer {hash_of(made['first'])}", None)


@settings(deadline=None)
@given(key=st.text())
def test_no_other_text_is_a_key(known, key):
    """Whatever is sent, it is refused, and nothing breaks."""
    with pytest.raises(RequestError):
        known.authenticate(f"Bearer {key}", None)


@pytest.mark.parametrize("name", ["first", "middle", "last", "none"])
def test_every_key_is_compared_whichever_it_is(made, known, name, monkeypatch):
    """Hashes are compared by `hmac.compare_digest`, all of them, also after the right one."""
    compared = []

    def compare(one, other):
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    class Watched:
        compare_digest = staticmethod(compare)

    monkeypatch.setattr("serving.middleware.api_keys.hmac", Watched)
    key = made.get(name, "wrong")
    assert known.name(None, key) == ("" if name == "none" else name)
    assert compared == [(hash_of(each), hash_of(key)) for each in made.values()]


def test_without_keys_none_is_asked_for():
    """A server without keys answers everybody, whatever they send."""
    assert ApiKeys(()).authenticate(None, None) == ""
    assert ApiKeys(()).authenticate("Bearer anything", "x") == ""
    assert not ApiKeys(()).required


@pytest.fixture(scope="module")
def server(launch, make_platform, make_delays, wait_until, made):
    """A server that wants one of the keys."""
    platform = make_platform()
    platform.release("1", make_delays(0))
    api_keys = [{"name": name, "sha256": hash_of(key)} for name, key in made.items()]
    server = launch(platform.address, api_keys=api_keys)
    wait_until(lambda: server.serves("1"), "version 1")
    return server


def test_a_prediction_needs_a_key(server, flights, made):
    """Infer is answered with a key and refused without one, before its body is looked at."""
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        body = flights(("UA", 8, 0.25))
        bearer = {"authorization": f"Bearer {made['middle']}"}
        assert client.post(INFER, json=body, headers=bearer).status_code == 200
        assert client.post(INFER, json=body, headers={"x-api-key": made["last"]}).is_success
        refused = client.post(INFER, content=b"{", headers={"x-api-key": "wrong"})
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer ")
        assert refused.json() == {"error": "the API key is not one of this server's"}
        assert client.post(INFER, json=body).status_code == 401


def test_feedback_needs_a_key(server, made):
    """Labels are taken from known callers only; this server would not keep them anyway."""
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        assert client.post("/v2/feedback", json={"id": "a", "value": 1}).status_code == 401
        known = {"x-api-key": made["first"]}
        answer = client.post("/v2/feedback", json={"id": "a", "value": 1}, headers=known)
        assert answer.status_code == 501


@pytest.mark.parametrize("path", OPEN)
def test_probes_and_metadata_need_none(server, path):
    """Health, metrics and metadata are open: whoever watches has no key."""
    assert server.answers(path)


def test_a_key_is_logged_by_name_and_never_itself(server, made):
    """The log names the key of a refused request; neither key nor hash is in it or an answer."""
    bearer = {"authorization": f"Bearer {made['first']}", "x-request-id": "named"}
    answer = httpx.post(server.url + INFER, content=b"{", headers=bearer, trust_env=False)
    assert answer.status_code == 400
    [line] = [event for event in server.events() if event.get("request_id") == "named"]
    assert (line["event"], line["key"], line["code"]) == ("request_refused", "first", 400)
    told = server.log.read_text() + answer.text + json.dumps(dict(answer.headers))
    assert not [key for key in made.values() if key in told or hash_of(key) in told]
