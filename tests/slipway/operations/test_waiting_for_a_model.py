"""What `slipway up` says of a model that the server does not serve."""

from dataclasses import dataclass, field

import httpx
import pytest

from infra.errors import ServiceFailedError
from slipway.operations.processes import up
from slipway.stack.running import Running


@dataclass(frozen=True)
class Asked(Running):
    """A stack whose model server refuses one version after the other, and then serves version 1."""

    refused: list[dict] = field(default_factory=list)

    def ask(self, service: str, path: str, **_: object) -> httpx.Response:
        """What it says of the model, and of its slots."""
        assert service == "serving"
        request = httpx.Request("GET", f"http://serving{path}")
        if path == "/v2/models/m":
            served = {"versions": ["0"] if self.refused else ["1"]}
            return httpx.Response(200, json=served, request=request)
        slot = {"slot": "champion", "version": "0", "refused": self.refused.pop(0)}
        return httpx.Response(200, json={"model": "m", "slots": [slot]}, request=request)


def saying(*refused: tuple[str, str]) -> Asked:
    named = ("version", "reason")
    several = [dict(zip(named, each, strict=True), error="Key mismatch") for each in refused]
    return Asked({}, {}, refused=several)


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("untrusted", "if you trust it, run `slipway models resign 1`; see docs/runbooks/"),
        ("unsigned", "if you trust it, run `slipway models resign 1`; see docs/runbooks/"),
        ("warmup", "see docs/runbooks/"),
    ],
)
def test_a_refused_model_is_told_at_once(
    reason: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the server's own words and with a way out, though the one before it serves on."""
    monkeypatch.setattr(up.time, "monotonic", lambda: 0.0)
    with pytest.raises(ServiceFailedError) as told:
        up.wait_until_served(saying(("1", reason)), "m", "1")
    assert str(told.value) == (
        f"serving refused version 1 ({reason}): Key mismatch: {remedy}ModelRefused.md"
    )


def test_what_the_server_tries_again_is_waited_for() -> None:
    """A registry that is late is no verdict on the model, nor is one on another version."""
    up.wait_until_served(saying(("1", "fetch"), ("12", "untrusted")), "m", "1")
