"""`slipway keys`: a key is shown once, its hash goes into the settings, and the server knows it."""

import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from infra.errors import SlipwayError
from infra.settings import reading
from serving.config import ApiKey
from serving.middleware.api_keys import ApiKeys
from slipway.commands import keys as keys_cli
from slipway.commands.main import app
from slipway.models import api_keys
from slipway.stack.running import Running


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A stack's file with a caller of each kind."""
    path = tmp_path / "Pulumi.test.yaml"
    hashes = {"partner": "0" * 64}
    serving = {"api_keys": ["mobile"], "api_key_hashes": hashes}
    path.write_text(yaml.safe_dump({"config": {"slipway:serving": serving}}))
    return path


def test_a_new_key_is_printed_alone_and_its_line_is_fit_for_the_settings(
    stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key on stdout, for a pipe; what to do on stderr; and the server takes the key."""
    monkeypatch.setattr(keys_cli, "stack_file", lambda _name: stack)
    answer = CliRunner().invoke(app, ["keys", "new", "web"], catch_exceptions=False)
    key = answer.stdout.strip()

    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", key)
    assert key not in answer.stderr
    lines = yaml.safe_load(answer.stderr.split("\n", 1)[1])
    serving = reading.parse({"serving": lines["slipway:serving"]}, source="S").serving
    [(name, sha256)] = serving.api_key_hashes.items()
    assert ApiKeys((ApiKey(name, sha256),)).authenticate(f"Bearer {key}", None) == "web"


def test_nothing_keeps_a_key(stack: Path) -> None:
    """The settings are not touched, and the next key is another one."""
    before = stack.read_text()

    assert api_keys.new(stack, "web").key != api_keys.new(stack, "web").key

    assert stack.read_text() == before
    assert list(stack.parent.iterdir()) == [stack]


@pytest.mark.parametrize("name", ["mobile", "partner", "Web", "a b", ""])
def test_a_taken_or_unfit_name_is_refused(stack: Path, name: str) -> None:
    """A caller is known by one name."""
    with pytest.raises(SlipwayError, match="name"):
        api_keys.new(stack, name)


def test_callers_are_listed_with_where_their_keys_are(
    stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name; never a key, nor a hash."""
    monkeypatch.setattr(keys_cli, "stack_file", lambda _name: stack)
    answer = CliRunner().invoke(app, ["keys", "list"], catch_exceptions=False)

    assert answer.stdout == (
        "mobile\tthe stack's secret api-key-mobile\npartner\tthe caller's own\n"
    )


@pytest.mark.parametrize(
    ("environment", "sent"), [({}, "stack's"), ({"SLIPWAY_API_KEY": "mine"}, "mine")]
)
def test_the_environment_s_key_goes_before_the_stack_s(
    environment: dict[str, str], sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the model server alone."""
    monkeypatch.delenv("SLIPWAY_API_KEY", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    services = {name: {"url": "http://127.0.0.1:9"} for name in ("serving", "tracking")}
    running = Running(services, {"api-key-mobile": "stack's", "caller-partner-sha256": "0"})

    with running.client("serving") as serving, running.client("tracking") as tracking:
        assert serving.headers["x-api-key"] == sent
        assert "x-api-key" not in tracking.headers
