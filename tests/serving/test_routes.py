"""The server's paths."""

import pytest

from serving.http.routes import Kind, Route, parse


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v2", Route(Kind.SERVER)),
        ("/v2/health/live", Route(Kind.LIVE)),
        ("/v2/health/ready", Route(Kind.READY)),
        ("/metrics", Route(Kind.METRICS)),
        ("/v2/slots", Route(Kind.SLOTS)),
        ("/v2/models/a", Route(Kind.MODEL, "a")),
        ("/v2/models/a/ready", Route(Kind.MODEL_READY, "a")),
        ("/v2/models/a/infer", Route(Kind.INFER, "a")),
        ("/v2/models/a/versions/3", Route(Kind.MODEL, "a", "3")),
        ("/v2/models/a/versions/3/ready", Route(Kind.MODEL_READY, "a", "3")),
        ("/v2/models/a/versions/3/infer", Route(Kind.INFER, "a", "3")),
        ("/v2/models/flight%20delays/infer", Route(Kind.INFER, "flight delays")),
        ("/v2/models/infer", Route(Kind.MODEL, "infer")),
    ],
)
def test_a_path_of_the_protocol_has_its_route(path, route):
    """Every path of the protocol, with and without a version, is known."""
    assert parse(path) == route


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/v2/", "/v1", "//v2", "/v2/health", "/v2/health/live/", "/v2/models"),
        *("/v2/models/", "/v2/models/a/", "/v2/models/a/predict", "/v2/models/a/versions"),
        *("/v2/models/a/versions/", "/v2/models/a/versions//infer", "/v2/models//infer"),
        *("/v2/models/a/versions/3/infer/x", "/metrics/", "*"),
    ],
)
def test_any_other_path_is_unknown(path):
    """What the protocol does not know has no route."""
    assert parse(path) == Route(Kind.UNKNOWN)


def test_only_what_takes_a_body_takes_post():
    """Only infer and feedback take POST, and nothing else; all others a HEAD beside their GET."""
    assert {Route(kind).allow for kind in Kind} == {"POST", "GET, HEAD"}
    assert {kind for kind in Kind if Route(kind).method == "POST"} == {Kind.INFER, Kind.FEEDBACK}
