"""`Service`: placeholders and what a value of it refuses."""

import hashlib

import pytest

from infra import service
from infra.service import Health, Metrics, Resources, Service


def make(**changed: object) -> Service:
    fields: dict = {
        "name": "x",
        "command": ("x",),
        "image": "x:1",
        "health": Health(),
        "resources": Resources(10, 10, 10),
    }
    return Service(**fields | changed)


def test_placeholders_carry_kind_and_argument() -> None:
    """Each placeholder arrives at the target with what it asks for."""
    text = " ".join(
        [
            service.url("tracking"),
            service.address("registry", "metrics"),
            service.data("a/b.db"),
            service.config("c.yml"),
            service.secret("key"),
            service.host() + ":" + service.port(),
        ]
    )

    rendered = service.render(text, lambda kind, argument: f"<{kind}|{argument}>")

    assert rendered == (
        "http://<address|tracking/http> <address|registry/metrics> <data|a/b.db> <config|c.yml>"
        " <secret|key> <host|>:<port|http>"
    )


def test_other_braces_are_left_alone() -> None:
    """Templates of Prometheus and Alertmanager pass through."""
    text = "{{ $labels.job }} ${1} @{Not-ours}"

    assert service.render(text, lambda *_: "x") == text


def test_a_service_knows_its_secrets() -> None:
    """Secrets are found wherever they stand in the environment."""
    made = make(environment={"A": service.secret("one"), "B": f"x{service.secret('two')}", "C": ""})

    assert made.secrets == frozenset({"one", "two"})


@pytest.mark.parametrize(
    "wrong", [{"health": Health(port="grpc")}, {"metrics": Metrics(port="grpc")}]
)
def test_a_check_on_a_port_that_is_not_there_is_refused(wrong: dict) -> None:
    """A health check or metrics name one of the service's own ports."""
    with pytest.raises(ValueError, match="service x: no port named grpc"):
        make(**wrong)


def test_a_secret_is_revealed_whole_or_by_its_hash() -> None:
    """Who checks a key needs its SHA-256 alone, and refers to the secret all the same."""
    secrets = {"key": "hush"}
    text = f"{service.secret('key')} {service.sha256('key')}"

    shown = service.render(text, lambda kind, name: service.revealed(kind, name, secrets))

    assert shown == f"hush {hashlib.sha256(b'hush').hexdigest()}"
    assert service.secrets_in(service.sha256("key")) == {"key"}
