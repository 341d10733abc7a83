"""How the command line speaks to a service: an answer, or one line on why there is none."""

import httpx
import pytest

from infra.errors import SlipwayError
from slipway.stack.running import answered, succeeded

PROXY = "https://k/api/v1/namespaces/n/services/tracking:8080/proxy/v2"
REFUSAL = {"kind": "Status", "message": 'no endpoints available for\nservice "tracking"'}


def answer(status: int, url: str = "http://tracking/v2", **content: object) -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("GET", url), **content)


def test_an_api_server_that_cannot_reach_the_service_is_no_answer_of_it() -> None:
    """It answers in the service's place, as Kubernetes words it."""
    with pytest.raises(SlipwayError, match='no endpoints available for service "tracking"') as told:
        answered("http://tracking", lambda _path: answer(503, PROXY, json=REFUSAL), "/v2")

    assert "\n" not in str(told.value)


def test_a_service_s_own_refusal_is_its_answer() -> None:
    """Whoever asked knows what it means."""
    own = answer(404, PROXY, json={"error_code": "RESOURCE_DOES_NOT_EXIST"})

    assert answered("http://tracking", lambda _path: own, "/v2") is own


def test_a_refusal_where_an_answer_is_needed_is_one_line() -> None:
    """With what was asked, and what was said."""
    with pytest.raises(SlipwayError, match=r"^http://tracking/v2 answers 403: not allowed here$"):
        succeeded(answer(403, text="not allowed\nhere\n"))
    assert succeeded(answer(200, text="x")).text == "x"
