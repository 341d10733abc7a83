"""What `up` does about bad luck with ports: the same `up` chooses again, and not for ever."""

import io
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from infra.errors import SlipwayError
from infra.home import Home
from slipway.operations.processes import up
from slipway.progress import Progress


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose stack has chosen no port yet."""
    return Home(tmp_path / "home", tmp_path / "tools")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else holds."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


@pytest.fixture
def said() -> io.StringIO:
    """What was told meanwhile."""
    return io.StringIO()


@pytest.fixture
def stand_up(
    home: Home, said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[str]], dict]:
    """Runs it; each attempt of Pulumi's fails with one of the given words, the next succeeds."""

    def run(failures: list[str]) -> dict:
        left = list(failures)

        def workspace_up(*_: object) -> dict:
            if left:
                raise SlipwayError(left.pop(0))
            return {"attempts": len(failures) + 1}

        monkeypatch.setattr(up.workspace, "up", workspace_up)
        return up._outputs(home, "local", Progress(Console(file=said)))

    return run


def lose(home: Home, port: int) -> None:
    """Have the stack's choice be a port that is somebody else's."""
    path = home.stack("local").ports
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"tracking/http": port}))


def test_a_port_that_was_lost_is_chosen_again(home, stand_up, said, taken: int) -> None:
    """By the same `up`, which says so."""
    lose(home, taken)

    assert stand_up(["tracking did not come up"]) == {"attempts": 2}
    assert "tracking/http was taken by somebody else meanwhile: choosing again" in said.getvalue()


def test_what_the_services_log_says_of_its_port_counts_too(stand_up) -> None:
    """Who took it may be gone by the time that one looks."""
    failure = "registry did not come up: log ends: listen tcp: bind: address already in use"

    assert stand_up([failure]) == {"attempts": 2}


def test_it_is_not_tried_for_ever(home, stand_up, taken: int) -> None:
    """The third failure is the last."""
    lose(home, taken)

    with pytest.raises(SlipwayError, match="three"):
        stand_up(["one", "two", "three", "four"])


def test_another_failure_is_told_at_once(home, stand_up, said) -> None:
    """No port of the stack's is somebody else's."""
    home.stack("local").path.mkdir(parents=True)

    with pytest.raises(SlipwayError, match="no such database"):
        stand_up(["no such database"])
    assert said.getvalue() == ""
