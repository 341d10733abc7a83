"""Generated secrets: which there are, what one is, and new ones in their place."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from infra.errors import SettingsError, SlipwayError, StackLockedError
from infra.home import Home
from infra.wiring import signing
from slipway.exits import NotUpError
from slipway.operations import secret_rotation
from slipway.progress import Progress
from slipway.stack import lock, workspace

RESOURCES = [
    {"type": secret_rotation._TYPE, "id": name, "urn": f"urn:{name}"}
    for name in ("store-key", "api-key-web", signing.PRIVATE_KEY)
] + [{"type": "pulumi-python:dynamic/processes:Process", "id": "serving", "urn": "urn:serving"}]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of its own."""
    return Home(tmp_path / "home", tmp_path / "tools")


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What Pulumi was told to make anew, of a stack that is up."""
    urns: list[list[str]] = []
    monkeypatch.setattr(workspace, "exists", lambda *_: True)
    monkeypatch.setattr(workspace, "resources", lambda *_: RESOURCES)
    monkeypatch.setattr(workspace, "outputs", lambda *_: {"secrets": {"store-key": "s3cret"}})
    monkeypatch.setattr(workspace, "up", lambda *_, replace: urns.append(replace))
    return urns


@pytest.fixture
def rotate(home: Home) -> Callable[..., list[str]]:
    """Rotates secrets of the stack `local`."""
    progress = Progress(Console(quiet=True))
    return lambda *names: secret_rotation.rotate(home, "local", names, progress)


@pytest.mark.usefixtures("replaced")
def test_only_secrets_are_listed(home: Home) -> None:
    """In alphabetical order."""
    assert secret_rotation.names(home, "local") == ["api-key-web", "signing-key", "store-key"]


@pytest.mark.usefixtures("replaced")
def test_a_secret_is_shown_by_its_name(home: Home) -> None:
    """As the stack's outputs have it."""
    assert secret_rotation.text(home, "local", "store-key") == "s3cret"


def test_the_named_secrets_are_replaced(rotate, replaced) -> None:
    """And nothing else of the stack."""
    assert rotate("store-key", "api-key-web") == ["api-key-web", "store-key"]
    assert replaced == [["urn:api-key-web", "urn:store-key"]]


def test_an_unknown_name_replaces_nothing(rotate, replaced) -> None:
    """Not even those beside it that are known."""
    with pytest.raises(SettingsError, match=r"^wrong: no secret that stack local generated"):
        rotate("store-key", "wrong")

    assert replaced == []


def test_the_signing_key_is_counted_up_in_the_settings(rotate, replaced) -> None:
    """A new one in its place would make what is released unservable."""
    with pytest.raises(SettingsError, match=r"count slipway:serving\.signing\.key up"):
        rotate(signing.PRIVATE_KEY)

    assert replaced == []


@pytest.mark.usefixtures("replaced")
def test_the_lock_is_free_again_after_a_failure(rotate, home: Home, monkeypatch) -> None:
    """So that the same command goes on; meanwhile nobody else changes the stack."""

    def fail(*_: object, **__: object) -> None:
        with (
            pytest.raises(StackLockedError, match="secrets rotate"),
            lock.hold(home.lock("local"), "local", "up"),
        ):
            pass
        raise SlipwayError("no such database")

    monkeypatch.setattr(workspace, "up", fail)

    with pytest.raises(SlipwayError, match="no such database"):
        rotate("store-key")
    with lock.hold(home.lock("local"), "local", "up"):
        pass


def test_a_stack_that_is_not_up_has_no_secrets(home: Home, rotate) -> None:
    """For any of the three."""
    for ask in (
        lambda: secret_rotation.names(home, "local"),
        lambda: secret_rotation.text(home, "local", "store-key"),
        rotate,
    ):
        with pytest.raises(NotUpError, match="stack local is not up"):
            ask()
