"""What `slipway up` says of a model that the server does not serve."""

from dataclasses import dataclass, field

import httpx
import pytest

from infra.errors import ServiceFailedError
from slipway import bring_up
from slipway.running import Running


@dataclass(frozen=True)
class Asked(Running):
    """A stack whose model server answers one thing after the other, the last for ever."""

    answers: list[httpx.Response] = field(default_factory=list)

    def ask(self, service: str, path: str, **_: object) -> httpx.Response:
        """The next answer."""
        assert (service, path) == ("serving", "/v2/models/m")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def saying(*errors: str) -> Asked:
    return Asked({}, {}, answers=[httpx.Response(503, json={"error": each}) for each in errors])


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("untrusted", "run `slipway models resign 1 --stack s`"),
        ("warmup", "docs/runbooks/ModelRefused.md"),
    ],
)
def test_a_refused_model_is_told_at_once(
    reason: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the server's own words and with a way out; no minute is waited for what cannot come."""
    monkeypatch.setattr(bring_up.time, "monotonic", lambda: 0.0)
    said = f"version 1 was refused ({reason}): Key mismatch"
    with pytest.raises(ServiceFailedError, match=r"^serving: version 1 was refused") as told:
        bring_up.wait_until_served(saying("no model yet", said), "m", "1", "s")
    assert said in str(told.value)
    assert remedy in str(told.value)


def test_what_the_server_tries_again_is_waited_for() -> None:
    """A registry that is late is no verdict on the model, nor is one on another version."""
    served = httpx.Response(200, json={"versions": ["1"]})
    other = "version 12 was refused (untrusted): Key mismatch"
    running = saying("version 1 was refused (fetch): no connection", other)
    running.answers.append(served)
    bring_up.wait_until_served(running, "m", "1", "s")
