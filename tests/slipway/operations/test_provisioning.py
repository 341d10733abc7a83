"""What `up` does on this machine: in which order, and where a port is lost meanwhile."""

import io
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from infra.errors import SlipwayError, StackLockedError
from infra.home import Home
from infra.settings.tree import Settings
from slipway.operations.processes import up
from slipway.operations.target import Release, Up
from slipway.progress import Progress
from slipway.runs.run import RunResult
from slipway.stack import lock
from slipway.stack.running import Champion, Running


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


CHAMPION = Champion("3", "sha256:abc", {})
SETTINGS = Settings.model_validate(
    {"training": {"usecase": "parcels", "months": "1-2"}, "serving": {"model": "m"}}
)
RESULT = RunResult("training", "succeeded", 1.0)


@dataclass
class Machine:
    """Everything `up` does, in order, on a stack whose registry has these champions in turn."""

    champions: list[Champion | None]
    done: list[object] = field(default_factory=list)


@pytest.fixture
def provision(home: Home, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Up, Machine]]:
    """Brings the stack up where nothing but the order of the work is real."""

    def go(*champions: Champion | None, train: bool = True) -> tuple[Up, Machine]:
        machine = Machine(list(champions))

        def note(word: object) -> Callable[..., None]:
            return lambda *_, **__: machine.done.append(word)

        def run(_: str, arguments: object, *__: object) -> RunResult:
            machine.done.append(arguments)
            return RESULT

        outputs = {"services": {"tracking": {}}, "secrets": {}}
        monkeypatch.setattr(up, "_require_attributes", note("file system"))
        monkeypatch.setattr(up, "bring_tools", note("tools"))
        monkeypatch.setattr(up, "_outputs", lambda *_: outputs)
        monkeypatch.setattr(up.recovery, "clear", note("recovery"))
        monkeypatch.setattr(up.supervisor, "prune", note("prune"))
        monkeypatch.setattr(up, "wait_until_served", lambda *names: machine.done.append(names[1:]))
        monkeypatch.setattr(up.training, "step_environment", lambda *_: {})
        monkeypatch.setattr(up.training, "run", run)
        monkeypatch.setattr(Running, "champion", lambda *_: machine.champions.pop(0))
        progress = Progress(Console(quiet=True))
        return up.provision(home, "local", SETTINGS, progress, train=train), machine

    return go


BEFORE = ["file system", "recovery", "tools", "prune"]


def test_a_first_model_is_trained_as_the_settings_say(provision) -> None:
    """And waited for until it is served."""
    outcome, machine = provision(None, CHAMPION)

    assert outcome.release == Release(CHAMPION, RESULT)
    arguments = {"usecase": "parcels", "months": "1-2"}
    assert machine.done == [*BEFORE, arguments, ("m", "3")]


def test_a_released_model_is_waited_for_and_none_is_trained(provision) -> None:
    """The second `up` is no training run."""
    outcome, machine = provision(CHAMPION)

    assert outcome.release == Release(CHAMPION, None)
    assert machine.done == [*BEFORE, ("m", "3")]


def test_no_model_is_waited_for_where_none_is_released(provision) -> None:
    """Nobody asked for one, or the gate rejected the first."""
    assert provision(None, train=False)[0].release == Release(None, None)
    outcome, machine = provision(None, None)
    assert outcome.release == Release(None, RESULT)
    assert machine.done[-1] == {"usecase": "parcels", "months": "1-2"}


def test_a_stack_that_another_operation_holds_is_left_alone(home: Home, provision) -> None:
    """Nothing is fetched, nothing is changed."""
    with lock.hold(home.lock("local"), "local", "down"), pytest.raises(StackLockedError):
        provision(None)
