"""What settings would leave refused is said before they hold."""

import json
from pathlib import Path

import httpx
import pytest

from infra import untrusted
from infra.settings.reading import parse
from infra.signing_keys import make_key_pair
from tests.registries import MODEL, Registries

BEFORE, NOW, OTHER = (make_key_pair() for _ in range(3))


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> Registries:
    """Both registries of the stack, which are asked for what is served."""
    made = Registries()
    monkeypatch.setattr(
        untrusted._Asked, "_client", lambda _self, service, _url: made.client(service)
    )
    return made


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state of a stack whose second signing key is in use."""
    services = {name: {"url": "http://127.0.0.1:1"} for name in ("tracking", "registry")}
    key = {"number": 2, "public": NOW.public_pem, "before": BEFORE.public_pem}
    resources = [
        {"type": "pulumi:pulumi:Stack", "outputs": {"services": services}},
        {"type": "pulumi-python:dynamic/generated:SigningKey", "outputs": key},
        {"type": "pulumi:providers:pulumi-python"},
    ]
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}))
    return path


def foreseen(state: Path, **signing: object) -> list[str]:
    settings = parse({"serving": {"model": MODEL, "signing": signing}}, source="S")
    return [f"{x.summary}: {x.resolution}" for x in untrusted.foreseen(settings, state)]


def refused(version: str, slots: str) -> str:
    return (
        f"version {version} ({slots}) is signed with no key that these settings trust, and will be"
        f" refused: first run `slipway models resign {version}`, or leave slipway:serving.signing"
        " as it was"
    )


def test_a_stack_that_was_stopped_serves_nobody(state: Path) -> None:
    """Its `up` after a night is not the moment for doubts."""
    assert foreseen(state, key=3) == []


@pytest.mark.parametrize(
    ("signer", "signing", "kept"),
    [
        (NOW, {"key": 2}, True),
        (BEFORE, {"key": 2}, True),
        (NOW, {"key": 3}, True),
        (NOW, {"key": 1}, True),
        (BEFORE, {"key": 3}, False),
        (OTHER, {"key": 2}, False),
        (OTHER, {"key": 2, "public_key": OTHER.public_pem}, True),
        (OTHER, {"key": 2, "public_key": BEFORE.public_pem + OTHER.public_pem}, True),
        (NOW, {"key": 2, "public_key": OTHER.public_pem}, True),
        (None, {"key": 2}, False),
        (None, {"key": 2, "signatures": "off"}, True),
        (BEFORE, {"key": 3, "signatures": "off"}, True),
    ],
)
def test_a_version_that_would_be_refused_is_named(
    signer: object, signing: dict, kept: object, registries: Registries, state: Path
) -> None:
    """With its slots and the way out; what the settings go on trusting is not worth a word."""
    version = registries.release(getattr(signer, "private_pem", None))
    registries.aliases["shadow"] = version
    registries.aliases["of-somebody"] = version

    assert foreseen(state, **signing) == ([] if kept else [refused(version, "champion, shadow")])


def test_each_slot_is_looked_at(registries: Registries, state: Path) -> None:
    """And only what a slot's alias names."""
    registries.release(NOW.private_pem)
    registries.release(OTHER.private_pem, "challenger")
    registries.release(OTHER.private_pem, "nothing-of-ours")

    assert foreseen(state, key=2) == [refused("2", "challenger")]


def test_nothing_is_asked_where_nothing_serves(tmp_path: Path, state: Path) -> None:
    """Before the first `up`, after a killed one, and where no model is registered yet."""
    assert foreseen(tmp_path / "none.json", key=2) == []
    (tmp_path / "half.json").write_text("{")
    assert foreseen(tmp_path / "half.json", key=2) == []
    state.write_text(json.dumps({"checkpoint": {"latest": None}}))
    assert foreseen(state, key=2) == []


def test_without_a_registered_model_nothing_is_refused(registries: Registries, state: Path) -> None:
    """MLflow says so, and that is no error."""
    assert foreseen(state, key=2) == []


def test_what_cannot_be_asked_is_said(
    registries: Registries, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preview that knows nothing must not look like one that found nothing."""

    def fail(*_: object) -> httpx.Response:
        raise httpx.ReadTimeout("it takes too long")

    monkeypatch.setattr(untrusted._Asked, "_get", fail)

    assert foreseen(state, key=2) == [
        "whether what is served stays trusted could not be looked up: it takes too long:"
        " see `slipway status`"
    ]
