"""How the command line speaks to a service: an answer, or one line on why there is none."""

from dataclasses import dataclass, field

import httpx
import pytest

from infra.errors import SlipwayError
from slipway.stack.running import Running, answered, succeeded

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


@dataclass(frozen=True)
class Carried(Running):
    """A stack behind a cluster's API server, where every request gets one answer."""

    response: httpx.Response = field(default_factory=lambda: httpx.Response(503, json=REFUSAL))

    def client(self, service: str) -> httpx.Client:
        """A client whose paths go by the API server's proxy."""
        assert service in self.services
        transport = httpx.MockTransport(lambda _request: self.response)
        return httpx.Client(base_url=PROXY.removesuffix("/v2"), transport=transport)


def test_a_registry_behind_an_api_server_that_cannot_reach_it_does_not_answer() -> None:
    """The clients that steps use say it in the command line's words."""
    stack = Carried({name: {"url": f"http://{name}"} for name in ("tracking", "registry")}, {})
    why = (
        r'does not answer \(no endpoints available for service "tracking"\): see `slipway status`$'
    )

    with pytest.raises(SlipwayError, match=f"^http://tracking {why}"):
        stack.champion("m", "champion")
    with pytest.raises(SlipwayError, match=f"^http://registry {why}"), stack.registry() as registry:
        registry.pull("models/m", "sha256:0", "signature.json")


def test_an_error_of_mlflow_s_is_one_line() -> None:
    """In its own words, with what to do."""
    answer = httpx.Response(500, text="no\ndatabase")
    stack = Carried({"tracking": {"url": "http://tracking"}}, {}, response=answer)

    with pytest.raises(SlipwayError, match=r"^MLflow answered 500 to .*: no database: see the"):
        stack.champion("m", "champion")
